"""What Prometheus would read, and how it has changed."""

from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

__all__ = ["Scrape", "read", "scrape"]


@dataclass(frozen=True)
class Scrape:
    """The samples by name and labels, the counters apart."""

    samples: dict[str, float]
    counters: dict[str, float]

    def __getitem__(self, sample: str) -> float:
        """Such as `headway_runs{state="running"}`, its labels in the alphabet's order; 0 where there is none."""
        return self.samples.get(sample, 0.0)

    def since(self, earlier: "Scrape", sample: str) -> float:
        """By how much it has grown."""
        return self[sample] - earlier[sample]

    def falls_below(self, earlier: "Scrape") -> list[str]:
        """Counters that have fallen; there must be none."""
        return [name for name, value in earlier.counters.items() if self[name] < value]


def read(text: str) -> Scrape:
    """Parsed as Prometheus does it."""
    samples: dict[str, float] = {}
    counters: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            name = f"{sample.name}{{{labels}}}" if labels else sample.name
            samples[name] = sample.value
            if family.type == "counter":
                counters[name] = sample.value
    return Scrape(samples, counters)


def scrape(url: str) -> Scrape:
    """From a web process."""
    answer = httpx.get(f"{url}/metrics", timeout=30)
    answer.raise_for_status()
    return read(answer.text)
