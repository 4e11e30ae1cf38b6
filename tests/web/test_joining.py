"""Browser modules in one file."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import microblog
from microblog.web.joining import CannotJoin, join_modules

STATIC = Path(microblog.__file__).parent / "static"
MODULES = {
    "js/site.js": b'import { start } from "./start.js";\nimport { say } from "./lib/say.js";\n\nsay(start());\n',
    "js/start.js": b'import { say, NAME as name } from "./lib/say.js";\n\nexport function start() {\n  return name;\n}\n',
    "js/lib/say.js": b"const said = [];\n\nexport const NAME = 1;\n\nexport function say(what) {\n  said.push(what);\n}\n",
    "js/unused.js": b"export const NOTHING = 0;\n",
}


def test_each_module_stands_once_and_before_those_that_need_it() -> None:
    text = join_modules(MODULES, "js/site.js").decode()
    assert re.findall(r"^const (\$\w+) = ", text, re.MULTILINE) == [
        "$js_lib_say",
        "$js_start",
        "$js_site",
    ]
    assert "\nconst { say, NAME: name } = $js_lib_say;" in text
    assert "\nreturn { NAME, say };" in text
    assert not re.search(r"^(import|export)", text, re.MULTILINE)


@pytest.mark.parametrize(
    "text",
    [
        'import start from "./start.js";',
        'import * as all from "./start.js";',
        "export default 1;",
        "export let changing = 1;",
        'const later = import("./start.js");',
        'import { gone } from "./gone.js";',
        'import { itself } from "./site.js";',
    ],
)
def test_what_is_not_understood_stops_the_start(text: str) -> None:
    with pytest.raises(CannotJoin):
        join_modules({**MODULES, "js/site.js": text.encode()}, "js/site.js")


def test_the_script_of_the_pages_brings_every_module_along() -> None:
    contents = {
        path.relative_to(STATIC).as_posix(): path.read_bytes() for path in STATIC.rglob("*.js")
    }
    text = join_modules(contents, "js/site.js").decode()
    assert text.count("= (() => {") == len(contents)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node to run it with")
def test_it_runs_as_the_modules_do(tmp_path: Path) -> None:
    shown = {**MODULES, "js/site.js": MODULES["js/site.js"] + b"console.log(start());\n"}
    for name, text in shown.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "joined.js").write_bytes(join_modules(shown, "js/site.js"))
    printed = [
        subprocess.run(["node", name], cwd=tmp_path, capture_output=True, check=True).stdout
        for name in ("js/site.js", "joined.js")
    ]
    assert printed == [b"1\n", b"1\n"]
