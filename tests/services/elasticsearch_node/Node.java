import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.plugins.PluginsLoader;

/** A node without a distribution: HOME with modules, a folder for DATA, a PORT of this machine. It ends when its standard input does. */
public class Node {
    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]);
        Settings settings = Settings.builder()
            .put("path.home", home.toString())
            .put("path.data", arguments[1])
            .put("path.logs", arguments[1])
            .put("network.host", "127.0.0.1")
            .put("http.port", arguments[2])
            .put("transport.port", "0")
            .put("discovery.type", "single-node")
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
        Environment environment = InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "node");
        LogConfigurator.configureWithoutConfig(settings);
        // The server's own module is not there to be opened to others: its jars are on the class path.
        var modules = PluginsLoader.createPluginsLoader(PluginsLoader.loadModulesBundles(home.resolve("modules")), Set.of(), Map.of(), false);
        try (var node = new org.elasticsearch.node.Node(environment, modules)) {
            node.start();
            while (System.in.read() >= 0) {}
        }
        System.exit(0);
    }
}
