using System.Text.Json;

namespace RepositoryTools.Tests;

/// <summary>Short ways into structured answers.</summary>
internal static class Json
{
    internal static string Text(this JsonElement element, string member) => element.GetProperty(member).GetString()!;

    internal static int Number(this JsonElement element, string member) => element.GetProperty(member).GetInt32();

    internal static List<JsonElement> Rows(this JsonElement element, string member) => [.. element.GetProperty(member).EnumerateArray()];

    internal static List<string> Texts(this JsonElement element, string rows, string member) => [.. element.Rows(rows).Select(r => r.Text(member))];
}
