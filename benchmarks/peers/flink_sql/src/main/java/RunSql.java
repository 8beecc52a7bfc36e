import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;

/** Runs a file of SQL statements on a mini-cluster in this process; ${NAME} is taken from the environment. */
public final class RunSql {
    public static void main(String[] args) throws Exception {
        String script = Files.readString(Path.of(args[0])).replaceAll("(?m)^--.*$", "");
        for (Map.Entry<String, String> variable : System.getenv().entrySet()) {
            script = script.replace("${" + variable.getKey() + "}", variable.getValue());
        }
        TableEnvironment tables = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
        for (String statement : script.split(";")) {
            String sql = statement.strip();
            if (sql.startsWith("SET ")) {
                String[] quoted = sql.split("'");
                tables.getConfig().set(quoted[1], quoted[3]);
            } else if (!sql.isEmpty()) {
                TableResult result = tables.executeSql(sql);
                if (result.getJobClient().isPresent()) {
                    awaitRunning(result.getJobClient().get());
                    System.out.println("started");
                    result.await();
                }
            }
        }
    }

    private static void awaitRunning(JobClient job) throws Exception {
        while (job.getJobStatus().get() != JobStatus.RUNNING) {
            Thread.sleep(10);
        }
    }
}
