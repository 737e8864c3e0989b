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

/** The members of the address that must change for this viewer, or null. */
export function correction({ role, ward }, now) {
  if (role !== "ward" || (now.view === "ward" && now.ward === ward)) return null;
  return { view: "ward", ward };
}
