// @clickhouse/client against the endpoint; prints one JSON object. See conftest.py.
import { createClient } from "@clickhouse/client";

const { CH_HOST, CH_PORT, CH_USER, CH_PASSWORD, CH_COMPRESSION, CH_DATABASE, CH_QUERY } = process.env;
const connect = (password) =>
  createClient({
    url: `http://${CH_HOST}:${CH_PORT}`,
    username: CH_USER,
    password,
    database: CH_DATABASE,
    compression: { response: CH_COMPRESSION === "gzip" },
  });
const client = connect(CH_PASSWORD);

async function codeOf(promise) {
  try {
    await promise;
  } catch (error) {
    return Number(error.code) || -1; // a connection that is broken off has no code
  }
  return 0;
}

async function rowsOf(query) {
  const result = await client.query({ query, format: "JSONCompactEachRow" });
  let many = 0;
  let total = 0;
  for await (const rows of result.stream()) {
    for (const row of rows) {
      many += 1;
      total += Number(row.json()[0]);
    }
  }
  return { many, total };
}

const first = await client.query({
  query: `SELECT concat(toString({n:UInt8}), ' ', {s:String}) AS parameters,
    CAST(NULL AS Nullable(UInt8)) AS nullable,
    toDateTime64('2026-01-02 03:04:05.678', 3) AS instant,
    [1, 2, 3] AS array, toDecimal64(1234.56, 2) AS decimal, toLowCardinality('tư pháp') AS low`,
  query_params: { n: 7, s: "it's 'ộ'" },
  format: "JSONEachRow",
});
const [row] = await first.json();
const told = await client.query({ query: CH_QUERY, format: "JSONCompactEachRow" });
const found = {
  ...row,
  instant: row.instant.replace(" ", "T"),
  decimal: String(row.decimal),
  ...(await rowsOf("SELECT number FROM numbers(300000)")),
  unknown_table: await codeOf(client.query({ query: "SELECT * FROM absent" })),
  refused_write: await codeOf(client.command({ query: "CREATE TABLE z (a UInt8) ENGINE = Memory" })),
  wrong_password: await codeOf(connect("wrong").query({ query: "SELECT 1" })),
  late: await codeOf(rowsOf("SELECT throwIf(number = 900000), repeat('x', 100) FROM numbers(1000000)")),
  rows: (await told.json()).map(([text]) => text),
};
console.log(JSON.stringify(found));
await client.close();
process.exit(0);
