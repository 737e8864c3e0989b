// The JDBC driver against the endpoint; prints one JSON object. See conftest.py.

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.Properties;

public class Client {
    static final String URL = "jdbc:clickhouse:http://" + System.getenv("CH_HOST") + ":" + System.getenv("CH_PORT") + "/" + System.getenv("CH_DATABASE");

    static Connection connect(String password) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", System.getenv("CH_USER"));
        properties.setProperty("password", password);
        properties.setProperty("compress", System.getenv("CH_COMPRESSION"));
        return DriverManager.getConnection(URL, properties);
    }

    interface Work {
        void run() throws SQLException;
    }

    /** ClickHouse's code: the driver's own, or the one in what it was told. */
    static int codeOf(Work work) {
        try {
            work.run();
            return 0;
        } catch (Exception error) {
            for (Throwable each = error; each != null; each = each.getCause()) {
                if (each instanceof SQLException sql && sql.getErrorCode() > 0) return sql.getErrorCode();
                var found = java.util.regex.Pattern.compile("Code: (\\d+)").matcher(String.valueOf(each.getMessage()));
                if (found.find()) return Integer.parseInt(found.group(1));
            }
            error.printStackTrace();
            return -1;
        }
    }

    static long[] rowsOf(Connection connection, String query) throws SQLException {
        long many = 0, total = 0;
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(query)) {
            while (rows.next()) {
                many++;
                total += rows.getLong(1);
            }
        }
        return new long[] {many, total};
    }

    /** One column of what the driver finds, as a JSON array. */
    static String texts(ResultSet rows, String column) throws SQLException {
        var found = new java.util.TreeSet<String>();
        try (rows) {
            while (rows.next()) found.add("\"" + (column == null ? rows.getString(1) : rows.getString(column)) + "\"");
        }
        return found.toString();
    }

    /** What DBeaver, Superset and their like ask first: which tables there are, and their columns. */
    static String metadata(Connection connection) throws SQLException {
        var database = System.getenv("CH_DATABASE");
        var about = connection.getMetaData();
        return String.format("\"tables\":%s,\"columns\":%s",
            texts(about.getTables(null, database, "%", null), "TABLE_NAME"),
            texts(about.getColumns(null, database, "v_conflicts", "%"), "COLUMN_NAME"));
    }

    static String first(Connection connection) throws SQLException {
        String query = "SELECT concat(toString(toUInt8(?)), ' ', ?), CAST(NULL AS Nullable(UInt8)), "
            + "toDateTime64('2026-01-02 03:04:05.678', 3), [1, 2, 3], toDecimal64(1234.56, 2), toLowCardinality('tư pháp')";
        try (PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setInt(1, 7);
            statement.setString(2, "it's 'ộ'");
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                row.getInt(2);
                return String.format(
                    "\"parameters\":\"%s\",\"nullable\":%s,\"instant\":\"%s\",\"array\":%s,\"decimal\":\"%s\",\"low\":\"%s\"",
                    row.getString(1), row.getObject(2), row.getObject(3, LocalDateTime.class),
                    Arrays.toString((Object[]) row.getArray(4).getArray()), row.getBigDecimal(5), row.getString(6));
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        System.setOut(new java.io.PrintStream(System.out, true, "UTF-8"));
        try (Connection connection = connect(System.getenv("CH_PASSWORD"))) {
            long[] large = rowsOf(connection, "SELECT number FROM numbers(300000)");
            int late = codeOf(() -> rowsOf(connection, "SELECT number + throwIf(number = 900000) FROM numbers(1000000)"));
            int unknown = codeOf(() -> rowsOf(connection, "SELECT * FROM absent"));
            int refused = codeOf(() -> connection.createStatement().executeUpdate("CREATE TABLE z (a UInt8) ENGINE = Memory"));
            int wrong = codeOf(() -> rowsOf(connect("wrong"), "SELECT 1"));
            System.out.printf("{%s,\"many\":%d,\"total\":%d,\"unknown_table\":%d,\"refused_write\":%d,\"wrong_password\":%d,\"late\":%d,\"rows\":%s,%s}%n",
                first(connection), large[0], large[1], unknown, refused, wrong, late,
                texts(connection.createStatement().executeQuery(System.getenv("CH_QUERY")), null), metadata(connection));
        }
    }
}
