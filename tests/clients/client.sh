# curl against the endpoint; prints one JSON object. See conftest.py.
set -u
url="http://$CH_HOST:$CH_PORT/?database=$CH_DATABASE"
ask() { curl --silent --user "$CH_USER:$CH_PASSWORD" "$url" "$@"; }
code() { grep -o 'Code: [0-9]*' | head -1 | cut -d' ' -f2; }

first=$(curl --silent --user "$CH_USER:$CH_PASSWORD" \
    --data-binary "SELECT concat(toString({n:UInt8}), ' ', {s:String}) AS parameters,
        CAST(NULL AS Nullable(UInt8)) AS nullable,
        replaceOne(toString(toDateTime64('2026-01-02 03:04:05.678', 3)), ' ', 'T') AS instant,
        [1, 2, 3] AS array, toString(toDecimal64(1234.56, 2)) AS decimal, toLowCardinality('tư pháp') AS low
        FORMAT JSONEachRow" \
    "$url&param_n=7&param_s=it%27s%20%27%E1%BB%99%27")
many=$(ask --compressed --data-binary "SELECT number FROM numbers(300000) FORMAT TSV" \
    -H 'X-ClickHouse-Format: TSV' | awk '{n += 1; t += $1} END {printf "\"many\":%d,\"total\":%.0f", n, t}')
unknown=$(ask --data-binary "SELECT * FROM absent" | code)
refused=$(ask --data-binary "CREATE TABLE z (a UInt8) ENGINE = Memory" | code)
wrong=$(curl --silent --user "$CH_USER:wrong" --data-binary "SELECT 1" "$url" | code)
late=$(ask --data-binary "SELECT throwIf(number = 900000), repeat('x', 100) FROM numbers(1000000) FORMAT TSV" \
    --output - 2> /dev/null | tail -c 1000 | code)
rows=$(ask --data-binary "SELECT groupArray(*) AS rows FROM ($CH_QUERY) FORMAT JSONEachRow")
printf '%s,%s,"unknown_table":%s,"refused_write":%s,"wrong_password":%s,"late":%s,%s\n' \
    "${first%\}*}" "$many" "$unknown" "$refused" "$wrong" "$late" "${rows#\{}"
