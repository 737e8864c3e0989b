// Take a table away as CSV or XLSX: plain links, so that they can be sent and opened in another window.

import { make } from "./dom.js";
import { query, read } from "../shell/address.js";
import { t } from "../shell/words.js";

/** `name`: the table's name on the server; `more`: further parameters of the link. */
export function downloads(name, more = {}) {
  const box = make("span", "downloads");
  for (const kind of ["csv", "xlsx"]) {
    const link = make("a", "download", kind.toUpperCase());
    link.setAttribute("aria-label", t("download", { kind: kind.toUpperCase() }));
    link.download = "";
    // Made when it is needed: the day or the cut may have changed by then.
    const aim = () => (link.href = exportLink(name, kind, more));
    for (const event of ["pointerenter", "focus", "pointerdown"]) link.addEventListener(event, aim);
    aim();
    box.append(link);
  }
  return box;
}

function exportLink(name, kind, more) {
  const { day, cut, ward, lang } = read();
  return `/export/${name}.${kind}?${query({ day, cut, ward, lang, ...more })}`;
}
