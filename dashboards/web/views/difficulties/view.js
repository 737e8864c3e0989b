// The board of difficulties: 25 groups by age and due time, who is responsible, and the list behind each number.
// A group, an owner and a state are links: `group`, `owner` and `state` in the address choose the list.

import { make, write } from "../../parts/dom.js";
import { Records } from "../../parts/records.js";
import { t } from "../../shell/words.js";
import { Board } from "./board.js";
import { List, NOBODY } from "./list.js";

export const dictionary = "difficulties";
export const style = "/web/views/difficulties/difficulties.css";

export class View {
  constructor(root, context) {
    this.context = context;
    const heading = make("header", "board-heading");
    this.title_ = make("h2", "", t("difficulties"));
    this.sum = make("p", "sum");
    heading.append(this.title_, this.sum);
    const columns = make("div", "board-grid");
    root.append(heading, columns);
    this.board = new Board(columns, context, fileOf(context.state));
    const side = columns.appendChild(make("div", "board-side"));
    this.list = new List(side, context, fileOf(context.state));
    this.owners = new Records(side, {
      name: "difficulty-owners",
      title: t("owners"),
      hidden: ["week", "month", "older", "resolved"],
      href: { owner: (row) => this.list.linkTo({ owner: row.owner || NOBODY, group: "", state: "open" }) },
      more: fileOf(context.state),
    });
  }

  topic({ ward }) {
    return { ward };
  }

  title() {
    return t("difficulties");
  }

  draw(snapshot, names) {
    if (!snapshot.parts?.difficulties) return;
    const name = snapshot.ward ? `${t("difficulties")} · ${snapshot.ward.name}` : t("difficulties");
    write(this.title_, name);
    write(this.sum, sum(snapshot.parts["difficulty-groups"] ?? snapshot.parts["difficulty-owners"]));
    this.board.draw(snapshot, names !== null);
    this.list.draw(snapshot, names !== null);
    this.owners.draw(snapshot, names !== null);
  }

  changed() {
    const { snapshot } = this.context.state;
    if (snapshot) this.draw(snapshot, new Set());
  }
}

function sum(part) {
  if (!part?.rows) return "";
  const all = (key) => part.rows.reduce((total, row) => total + row[key], 0);
  return t("sum", { open: all("open_now"), overdue: all("overdue_now"), unassigned: all("unassigned") });
}

function fileOf(state) {
  return {
    day: "",
    get as_of() {
      return state.snapshot?.past ? "" : state.snapshot?.cut?.number;
    },
  };
}
