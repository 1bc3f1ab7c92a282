using ModelContextProtocol.Protocol;
using static Agents.Worker.Tests.Tools.GatewayServer;

namespace Agents.Worker.Tests.Tools;

/// <summary>A small repository as the repository tools would tell it.</summary>
internal static class RepositoryAnswers
{
    private const string Schema = """
        {"type":"object","properties":{"repository":{"type":"string"},"query":{"type":"string"},"question":{"type":"string"},"name":{"type":"string"},"kind":{"type":"string"},
        "path":{"type":"string"},"glob":{"type":"string"},"order_by":{"type":"string"},"limit":{"type":"integer"},"start_line":{"type":"integer"},"max_lines":{"type":"integer"}}}
        """;

    public static IReadOnlyDictionary<string, string> Tools { get; } = new[]
    {
        "repo_get_info", "search_code", "find_entities", "get_entity_relationships", "qa_codebase", "read_file", "list_files", "find_duplicates", "find_untested",
    }.ToDictionary(name => $"repository__{name}", _ => Schema);

    public static Task<CallToolResult> Answer(ToolCall call, CancellationToken cancellationToken) => Task.FromResult(Result(Structured(call)));

    private static object Structured(ToolCall call) => call.Bare switch
    {
        "repo_get_info" => new
        {
            name = "shop", files = 12, lines = 900, languages = new[] { new { name = "C#", files = 10, lines = 850 } }, projects = new[] { "Shop/Shop.csproj" },
            readme = "# Shop\n\nA small shop that sells books over HTTP.", largest_files = new[] { new { file = "src/Orders.cs", lines = 300 } },
            longest_methods = new[] { new { name = "Place", file = "src/Orders.cs", line = 40, lines = 120 } }, test_files = 3,
        },
        "find_duplicates" => new
        {
            method = "lines", total = 1,
            duplicates = new[] { new { lines = 30, first = new { file = "src/Basket.cs", start = 10, end = 39 }, second = new { file = "src/Cart.cs", start = 5, end = 34 } } },
        },
        "find_entities" when call.Arguments["kind"].GetString() == "method" => new
        {
            method = "roslyn", total = 2,
            entities = new object[]
            {
                new { name = "Place", kind = "method", container = "Shop.Orders", signature = "public Order Place(Basket basket)", accessibility = "public", file = "src/Orders.cs", line = 40, end_line = 159, lines = 120 },
                new { name = "Cancel", kind = "method", container = "Shop.Orders", signature = "public void Cancel()", accessibility = "public", file = "src/Orders.cs", line = 170, end_line = 180, lines = 11 },
            },
        },
        "find_entities" => new
        {
            method = "roslyn", total = 1,
            entities = new[] { new { name = "Orders", kind = "class", container = "Shop", signature = "public sealed class Orders", accessibility = "public", file = "src/Orders.cs", line = 12, end_line = 200, lines = 189 } },
        },
        "find_untested" => new { method = "names in test projects", untested = new[] { new { name = "Orders", kind = "class", file = "src/Orders.cs", line = 12, public_members = 5 } }, tested = 7, total = 1 },
        "qa_codebase" => new { method = "bm25", passages = new[] { new { file = "src/Payment.cs", line = 7, end_line = 12, text = $"about {call.Arguments["question"].GetString()}", score = 2.5 } } },
        "search_code" => new { matches = new[] { new { file = "src/Payment.cs", line = 9, text = "charge" } }, total = 1 },
        "read_file" => new { file = call.Arguments["path"].GetString(), start_line = call.Arguments["start_line"].GetInt32(), end_line = 60, total_lines = 300, text = "public Order Place(Basket basket)\n{\n    if (basket.IsEmpty)\n" },
        "list_files" => new { files = new[] { new { file = "src/Orders.cs", bytes = 9000, lines = 300 }, new { file = "README.md", bytes = 300, lines = 20 } }, total = 2 },
        _ => new { },
    };
}
