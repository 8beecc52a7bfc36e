import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;

/**
 * Kafka Streams' DSL as its documentation writes it: flatMap, groupByKey, hopping windows, count, suppress until a
 * window closes. Grouping repartitions through a topic; state is RocksDB with a changelog topic; defaults otherwise.
 */
public final class HashtagCounts {
    private static final Duration WINDOW = Duration.ofMinutes(10);
    private static final Duration ADVANCE = Duration.ofSeconds(Long.parseLong(System.getenv("PEER_ADVANCE_SECONDS")));
    private static final Duration LATENESS = Duration.ofSeconds(5);
    private static final long FLOOR = 50;
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) {
        Properties config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, "peer-kafka-streams");
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("PEER_KAFKA"));
        config.put(StreamsConfig.STATE_DIR_CONFIG, System.getenv("PEER_FOLDER"));
        config.put("auto.offset.reset", "earliest");

        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(System.getenv("PEER_TWEETS"), Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
            .flatMap((key, value) -> uses(value))
            .groupByKey(Grouped.with(Serdes.String(), Serdes.Integer()))
            .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW, LATENESS).advanceBy(ADVANCE))
            .count(Materialized.with(Serdes.String(), Serdes.Long()))
            .suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()))
            .toStream()
            .filter((window, count) -> count >= FLOOR)
            .map((window, count) -> KeyValue.pair(window.key(), row(window, count)))
            .to(System.getenv("PEER_COUNTS"), Produced.with(Serdes.String(), Serdes.ByteArray()));

        KafkaStreams streams = new KafkaStreams(builder.build(), config);
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.RUNNING) {
                System.out.println("started");
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }

    private static List<KeyValue<String, Integer>> uses(byte[] value) {
        try {
            JsonNode tweet = JSON.readTree(value);
            String country = tweet.get("country").asText();
            List<KeyValue<String, Integer>> uses = new ArrayList<>();
            for (JsonNode hashtag : tweet.get("hashtags")) {
                uses.add(KeyValue.pair(hashtag.asText().toLowerCase() + " " + country, 1));
            }
            return uses;
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private static byte[] row(Windowed<String> window, long count) {
        String[] key = window.key().split(" ");
        try {
            return JSON.writeValueAsBytes(Map.of(
                "hashtag", key[0], "country", key[1], "window_end_ms", window.window().end(), "count", count));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
