using System.Collections.Concurrent;
using System.Text.Json;
using Agents.Runs;

namespace Agents.Api.Submit;

/// <summary>
/// Compares a JSON value with the type it shall become and names every difference at once, in the client's words. The serializer would
/// stop at the first one and speak of .NET types.
/// </summary>
internal static class JsonShape
{
    private static readonly ConcurrentDictionary<Type, Dictionary<string, Type>> MembersOf = new();

    /// <summary>Everything in <paramref name="value"/> that does not fit <typeparamref name="T"/>.</summary>
    public static List<FieldError> Differences<T>(JsonElement value)
    {
        var errors = new List<FieldError>();
        Check(value, typeof(T), "", errors);
        return errors;
    }

    private static void Check(JsonElement value, Type type, string path, List<FieldError> errors)
    {
        var target = Nullable.GetUnderlyingType(type) ?? type;
        if (target == typeof(JsonElement))
            return;
        if (value.ValueKind == JsonValueKind.Null && (!type.IsValueType || target != type) && path.Length > 0)
            return;

        if (target == typeof(string))
            Expect(value.ValueKind == JsonValueKind.String, "a text");
        else if (target == typeof(bool))
            Expect(value.ValueKind is JsonValueKind.True or JsonValueKind.False, "true or false");
        else if (target == typeof(int))
            Expect(value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out _), "a whole number");
        else if (typeof(IReadOnlyDictionary<string, string>).IsAssignableFrom(target))
            CheckEntries(value, path, errors);
        else if (target.IsGenericType && target.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
            CheckItems(value, target.GetGenericArguments()[0], path, errors);
        else
            CheckMembers(value, target, path, errors);

        void Expect(bool fits, string what)
        {
            if (!fits)
                errors.Add(Unfit(value, path, what));
        }
    }

    private static void CheckMembers(JsonElement value, Type type, string path, List<FieldError> errors)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            errors.Add(Unfit(value, path, "a JSON object"));
            return;
        }

        var members = MembersOf.GetOrAdd(type, Members);
        foreach (var member in value.EnumerateObject())
        {
            var name = Join(path, member.Name);
            if (members.TryGetValue(member.Name, out var memberType))
                Check(member.Value, memberType, name, errors);
            else if (!TakesOthers(type))
                errors.Add(new(name, $"is not known here. Known are: {string.Join(", ", members.Keys)}."));
        }
    }

    private static void CheckItems(JsonElement value, Type item, string path, List<FieldError> errors)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            errors.Add(Unfit(value, path, "a list"));
            return;
        }

        foreach (var (index, element) in value.EnumerateArray().Index())
        {
            if (element.ValueKind == JsonValueKind.Null)
                errors.Add(new($"{path}[{index}]", "null is no item."));
            else
                Check(element, item, $"{path}[{index}]", errors);
        }
    }

    private static void CheckEntries(JsonElement value, string path, List<FieldError> errors)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            errors.Add(Unfit(value, path, "a JSON object of texts"));
            return;
        }

        errors.AddRange(value.EnumerateObject()
            .Where(entry => entry.Value.ValueKind != JsonValueKind.String)
            .Select(entry => Unfit(entry.Value, Join(path, entry.Name), "a text")));
    }

    private static FieldError Unfit(JsonElement value, string path, string expected)
    {
        var raw = value.GetRawText();
        return new(path.Length == 0 ? "body" : path, $"{(raw.Length <= 80 ? raw : raw[..80] + "…")} is not {expected}.");
    }

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    private static Dictionary<string, Type> Members(Type type) => RunsJson.Options.GetTypeInfo(type).Properties
        .Where(property => property.Set is not null && !property.IsExtensionData).ToDictionary(property => property.Name, property => property.PropertyType);

    // Protocols of other people grow.
    private static bool TakesOthers(Type type) => RunsJson.Options.GetTypeInfo(type).Properties.Any(property => property.IsExtensionData);
}
