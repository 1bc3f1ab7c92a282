using System.Text;

namespace McpGateway.Tests.Calls;

/// <summary>Makes JSON of every spelling the grammar allows on one line: odd spacing, escapes, numbers no type holds, members named like ours, duplicates.</summary>
internal sealed class RandomJson(Random random)
{
    private static readonly string[] s_names = ["id", "method", "params", "_meta", "name", "Name", "progressToken", "jsonrpc", "result", "error", "", "a\\u0062", "\\\"", "ключ", "\\ud83d\\ude00"];
    private static readonly string[] s_numbers = ["0", "-0", "1.0", "1.50", "1e400", "-1E-400", "123456789012345678901234567890", "0.1e+1"];
    private static readonly string[] s_texts = ["", "plain", "ä😀", "\\n\\r\\t", "\\u0000", "\\/", "<script>&'", "}{][", "data: x"];
    private static readonly string[] s_spaces = ["", "", "", " ", "\t", "  "];

    public string Object(int depth)
    {
        var text = new StringBuilder("{");
        for (var i = random.Next(5); i > 0; i--)
        {
            text.Append(Space()).Append('"').Append(Pick(s_names)).Append('"').Append(Space()).Append(':').Append(Space()).Append(Value(depth - 1)).Append(Space());
            if (i > 1) text.Append(',');
        }

        return text.Append(Space()).Append('}').ToString();
    }

    private string Value(int depth) => random.Next(depth > 0 ? 7 : 5) switch
    {
        0 => Pick(s_numbers),
        1 => "true",
        2 => "null",
        3 or 4 => $"\"{Pick(s_texts)}\"",
        5 => Object(depth),
        _ => $"[{Space()}{string.Join($"{Space()},{Space()}", Enumerable.Range(0, random.Next(4)).Select(_ => Value(depth - 1)))}{Space()}]",
    };

    private string Space() => Pick(s_spaces);

    private string Pick(string[] from) => from[random.Next(from.Length)];
}
