// The questions that this reader may ask, with the lists and the words that go with them: read once.

import { learn } from "../../shell/words.js";

let reading = null;

/** What /api/questions says, or {code, vi, en} if it cannot be read now. */
export function catalogue() {
  reading ??= read();
  return reading;
}

async function read() {
  try {
    const answer = await fetch("/api/questions");
    const found = await answer.json();
    if (answer.ok) learn(found.words);
    else reading = null;
    return found;
  } catch {
    reading = null;
    return { code: "away", vi: "Không đọc được danh sách câu hỏi; hãy thử lại", en: "The list of questions cannot be read; try again" };
  }
}
