// clickhouse-go over HTTP against the endpoint; prints one JSON object. See conftest.py.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"
)

func connect(password string) driver.Conn {
	options := &clickhouse.Options{
		Addr:        []string{os.Getenv("CH_HOST") + ":" + os.Getenv("CH_PORT")},
		Protocol:    clickhouse.HTTP,
		Auth:        clickhouse.Auth{Database: os.Getenv("CH_DATABASE"), Username: os.Getenv("CH_USER"), Password: password},
		DialTimeout: 30 * time.Second,
	}
	switch os.Getenv("CH_COMPRESSION") {
	case "gzip":
		options.Compression = &clickhouse.Compression{Method: clickhouse.CompressionGZIP, Level: 3}
	case "lz4":
		options.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	}
	connection, err := clickhouse.Open(options)
	must(err)
	return connection
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func codeOf(err error) int {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return int(exception.Code)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "no code:", err)
	}
	return 0
}

func rowsOf(connection driver.Conn, query string) (many int, total uint64, err error) {
	rows, err := connection.Query(context.Background(), query)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var number uint64
		if err := rows.Scan(&number); err != nil {
			return many, total, err
		}
		many++
		total += number
	}
	return many, total, rows.Err()
}

func textsOf(connection driver.Conn, query string) (texts []string) {
	rows, err := connection.Query(context.Background(), query)
	must(err)
	defer rows.Close()
	for rows.Next() {
		var text string
		must(rows.Scan(&text))
		texts = append(texts, text)
	}
	must(rows.Err())
	return texts
}

func main() {
	ctx := clickhouse.Context(context.Background(), clickhouse.WithParameters(clickhouse.Parameters{
		"n": "7", "s": "it's 'ộ'",
	}))
	connection := connect(os.Getenv("CH_PASSWORD"))
	var (
		parameters, low string
		nullable        *uint8
		instant         time.Time
		array           []uint8
		amount          decimal.Decimal
	)
	must(connection.QueryRow(ctx, `SELECT concat(toString({n:UInt8}), ' ', {s:String}),
		CAST(NULL AS Nullable(UInt8)), toDateTime64('2026-01-02 03:04:05.678', 3),
		[1, 2, 3], toDecimal64(1234.56, 2), toLowCardinality('tư pháp')`,
	).Scan(&parameters, &nullable, &instant, &array, &amount, &low))
	many, total, err := rowsOf(connection, "SELECT number FROM numbers(300000)")
	must(err)
	numbers := make([]int, len(array))
	for place, value := range array {
		numbers[place] = int(value)
	}
	_, _, late := rowsOf(connection, "SELECT number + throwIf(number = 900000) FROM numbers(1000000)")
	_, _, unknown := rowsOf(connection, "SELECT * FROM absent")
	_, _, wrong := rowsOf(connect("wrong"), "SELECT 1")
	found, err := json.Marshal(map[string]any{
		"parameters":     parameters,
		"nullable":       nullable,
		"instant":        instant.Format("2006-01-02T15:04:05.000"),
		"array":          numbers,
		"decimal":        amount.String(),
		"low":            low,
		"many":           many,
		"total":          total,
		"unknown_table":  codeOf(unknown),
		"refused_write":  codeOf(connection.Exec(ctx, "CREATE TABLE z (a UInt8) ENGINE = Memory")),
		"wrong_password": codeOf(wrong),
		"late":           codeOf(late),
		"rows":           textsOf(connection, os.Getenv("CH_QUERY")),
	})
	must(err)
	fmt.Println(string(found))
}
