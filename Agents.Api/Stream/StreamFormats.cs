using Agents.Runs;
using Microsoft.Net.Http.Headers;

namespace Agents.Api.Stream;

/// <summary>The formats a run's events can be had in, by name.</summary>
internal static class StreamFormats
{
    public const string MediaType = "text/event-stream";
    public const string Parameter = "format";
    public const string Native = "native";
    public const string UiMessage = "ui-message-stream";
    public const string AgUi = "ag-ui";

    /// <summary>The names for a description.</summary>
    public const string ForPeople = $"{Native} (the default), {UiMessage} (Vercel AI SDK, version 1), {AgUi} (AG-UI)";

    /// <summary>The format's name that a request asks for: with <c>?format=</c>, else with <c>Accept: text/event-stream; format=…</c>, else our own.</summary>
    /// <param name="format">The query's word.</param>
    /// <param name="request">The request with its Accept header.</param>
    /// <param name="error">What is wrong; then the name means nothing.</param>
    public static string Choose(string? format, HttpRequest request, out FieldError? error)
    {
        error = null;
        if (!string.IsNullOrEmpty(format))
            return Checked(format, Parameter, ref error);

        var accepted = Accepted(request);
        if (accepted is null)
        {
            error = new("Accept", $"'{request.Headers.Accept}' has no {MediaType}, which is all there is here. Its formats are: {ForPeople}; ask with '{MediaType}; {Parameter}={UiMessage}' or ?{Parameter}={UiMessage}.");
            return Native;
        }

        var wanted = accepted.Parameters.FirstOrDefault(parameter => parameter.Name.Equals(Parameter, StringComparison.OrdinalIgnoreCase))?.GetUnescapedValue().Value;
        return wanted is null ? Native : Checked(wanted, "Accept", ref error);
    }

    /// <summary>A new stream of a run in a format.</summary>
    public static StreamFormat Of(string name, AgentRun run) => name switch
    {
        UiMessage => new UiMessageFormat(run.Id),
        AgUi => new AgUiFormat(run),
        _ => new NativeFormat(),
    };

    private static string Checked(string name, string field, ref FieldError? error)
    {
        if (name is not (Native or UiMessage or AgUi))
            error = new(field, $"'{(name.Length <= 80 ? name : name[..80] + "…")}' is not a format of events. There are: {ForPeople}.");
        return name;
    }

    /// <summary>The most wanted media type that is ours, or takes it in; null when the client wants none such. Who does not say takes anything.</summary>
    private static MediaTypeHeaderValue? Accepted(HttpRequest request)
    {
        var all = request.GetTypedHeaders().Accept;
        if (all.Count == 0)
            return new(MediaType);
        return all.Where(type => type.Quality is not 0 && (type.MatchesAllTypes || (type.Type.Equals("text", StringComparison.OrdinalIgnoreCase) && (type.MatchesAllSubTypes || type.SubType.Equals("event-stream", StringComparison.OrdinalIgnoreCase)))))
            .OrderByDescending(type => type.Quality ?? 1)
            .FirstOrDefault();
    }
}
