"""The types that are shipped say what the API tells, and TypeScript takes them; it can read what the docs show, too."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from headway.http.openapi.schemas import SCHEMAS, STEP
from tests.unit.test_code_blocks import snippets

from .followers import FOLLOW_JS

MISSING = "The tests need TypeScript's tsc on PATH. As root: apt-get install node-typescript"
USE = """
import { follow, Refused, type Run } from "%s";

async function use(address: string, signal: AbortSignal): Promise<Run | undefined> {
  let last: Run | undefined;
  const following = follow(address, {
    signal,
    headers: { Authorization: "Token ada" },
    onConnection: ({ state, retryAt }) => console.log(state === "lost" ? retryAt : 0),
  });
  try {
    for await (const run of following) {
      last = run;
      const percent: number | null = run.progress.percent;
      if (run.state === "paused") console.log(run.reason?.text, percent, run.links.file);
      // @ts-expect-error: there is no such field
      run.colour;
    }
  } catch (error) {
    if (error instanceof Refused && error.code === "signed-out") location.reload();
    // @ts-expect-error: there is no such code
    if (error instanceof Refused && error.code === "lost") throw error;
  }
  if (last) follow(last).hear(last);
  return last;
}
void use;
"""


def test_typescript_takes_them_and_refuses_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "use.ts").write_text(USE % FOLLOW_JS)

    assert compiler_says(tmp_path, "--strict", "use.ts") == ""


def test_the_javascript_of_the_docs_can_be_read(tmp_path: Path) -> None:
    shown = snippets("js")
    for number, snippet in enumerate(shown):
        (tmp_path / f"{number}.js").write_text(f"// {snippet}\n{snippet.text}export {{}};\n")

    assert compiler_says(tmp_path, "--allowJs", *(f"{number}.js" for number in range(len(shown)))) == ""


def compiler_says(folder: Path, *arguments: str) -> str:
    """Of these files in the folder, as modules."""
    tsc = shutil.which("tsc")
    if tsc is None:
        pytest.fail(MISSING, pytrace=False)
    options = ["--noEmit", "--target", "es2022", "--module", "es2022", "--moduleResolution", "node"]
    options.append("--skipDefaultLibCheck")  # TypeScript's own
    return subprocess.run(
        [tsc, *options, *arguments], cwd=folder, stdout=subprocess.PIPE, text=True, check=False
    ).stdout


@pytest.mark.parametrize("name", ["Run", "Progress", "Step", "RunLinks"])
def test_they_have_each_property_of_the_schema(name: str) -> None:
    declared = FOLLOW_JS.with_suffix(".d.ts").read_text()
    body = re.search(rf"^export interface {name} {{\n(.*?)^}}", declared, re.DOTALL | re.MULTILINE)
    assert body is not None
    schema = STEP if name == "Step" else SCHEMAS[name]
    told = re.findall(r"^  (\w+)(\??):", body[1], re.MULTILINE)
    assert [(name, bool(optional)) for name, optional in told] == [
        (name, name not in schema["required"]) for name in schema["properties"]
    ]
