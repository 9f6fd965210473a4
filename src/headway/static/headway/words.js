// Numbers, durations and moments as people read them. headway/panel/words.py says the same on the server.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Words in one language. */
export class Words {
  #number;
  #tenth;
  #percent;
  #locale;

  constructor(language) {
    this.#locale = language;
    this.#number = new Intl.NumberFormat(this.#locale);
    this.#tenth = new Intl.NumberFormat(this.#locale, { maximumFractionDigits: 1 });
    this.#percent = new Intl.NumberFormat(this.#locale, { style: "percent" });
  }

  number(value) {
    return this.#number.format(value);
  }

  /** Rounded down: 99.9 is not yet 100 %. */
  percentage(value) {
    return this.#percent.format(Math.trunc(value) / 100);
  }

  /** Rounded so that they add up to 100, but neither all nor nothing before it is so: <1%, >99%. */
  shares(...counts) {
    const of = counts.reduce((sum, count) => sum + count, 0);
    const whole = counts.map((count) => Math.floor((count * 100) / of));
    const rest = (place) => (counts[place] * 100) % of;
    const missing = whole.reduce((left, percent) => left - percent, 100);
    const first = [...counts.keys()].sort((one, other) => rest(other) - rest(one)).slice(0, missing);
    for (const place of first) whole[place] += 1;
    return counts.map((count, place) => this.#share((count * 100) / of, whole[place]));
  }

  #share(exactly, rounded) {
    if (exactly > 0 && exactly < 1) return `<${this.percentage(1)}`;
    return exactly > 99 && exactly < 100 ? `>${this.percentage(99)}` : this.percentage(rounded);
  }

  speed(perSecond) {
    return perSecond >= 10 ? this.number(Math.trunc(perSecond)) : this.#tenth.format(perSecond);
  }

  /** With the two largest units: 1 minute 9 seconds. */
  duration(seconds) {
    const left = Math.trunc(Math.max(0, seconds));
    if (left < MINUTE) return this.#unit(left, "second");
    if (left < HOUR) return this.#two(left, MINUTE, "minute", 1, "second");
    if (left < DAY) return this.#two(left, HOUR, "hour", MINUTE, "minute");
    return this.#two(left, DAY, "day", HOUR, "hour");
  }

  /** Rounded, as nobody knows it better: 40 seconds, 3 minutes, 2 hours. */
  about(seconds) {
    const rounded = (unit) => Math.max(1, Math.round(seconds / unit));
    if (seconds < 10) return this.#unit(rounded(1), "second");
    if (seconds < 55) return this.#unit(rounded(10) * 10, "second");
    if (seconds < HOUR - 30) return this.#unit(rounded(MINUTE), "minute");
    if (seconds < DAY - HOUR / 2) return this.#unit(rounded(HOUR), "hour");
    return this.#unit(rounded(DAY), "day");
  }

  /** A countdown: 0:48. */
  clock(seconds) {
    const left = Math.trunc(Math.max(0, seconds));
    return `${Math.trunc(left / MINUTE)}:${String(left % MINUTE).padStart(2, "0")}`;
  }

  /** The time of day where the reader is, with the day where it isn't today. */
  moment(date, now, { exact = false } = {}) {
    const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(exact && { second: "2-digit" }) };
    const here = date.toLocaleTimeString(this.#locale, time);
    if (date.toDateString() === now.toDateString()) return here;
    return `${date.toLocaleDateString(this.#locale, { day: "numeric", month: "long" })}, ${here}`;
  }

  #two(left, unit, name, smaller, smallerName) {
    const rest = Math.trunc((left % unit) / smaller);
    const first = this.#unit(Math.trunc(left / unit), name);
    return rest ? `${first} ${this.#unit(rest, smallerName)}` : first;
  }

  #unit(count, unit) {
    return new Intl.NumberFormat(this.#locale, { style: "unit", unit, unitDisplay: "long", useGrouping: false }).format(count);
  }
}
