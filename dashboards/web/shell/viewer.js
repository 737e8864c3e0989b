// Who looks. A ward's viewer sees that ward only: whatever the address says, its own ward is what is shown.

const CITY = { role: "city", ward: "", login: false };

/** { role, ward, login }; the city's if the server does not say. */
export async function viewer() {
  try {
    const answer = await fetch("/api/viewer");
    return answer.ok ? { ...CITY, ...(await answer.json()) } : CITY;
  } catch {
    return CITY;
  }
}

// What has no figures, or asks the server for this viewer's own.
const OPEN = new Set(["questions", "dictionary"]);

/** The members of the address that must change for this viewer, or null. */
export function correction({ role, ward }, now) {
  if (role !== "ward" || OPEN.has(now.view) || (now.view === "ward" && now.ward === ward)) return null;
  return { view: "ward", ward };
}
