"""Write the generated files beside this one."""

from pathlib import Path

from dashboards.grafana.make import files

for _name, _text in files().items():
    (Path(__file__).parent / _name).write_text(_text, encoding="utf-8")
