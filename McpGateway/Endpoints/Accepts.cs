namespace McpGateway.Endpoints;

/// <summary>What a client says it takes. A client that says nothing takes plain JSON.</summary>
internal static class Accepts
{
    /// <summary>True when it takes an SSE stream.</summary>
    public static bool Stream(HttpRequest request) => Names(request, "text/event-stream") || Names(request, "text/*") || Names(request, "*/*");

    /// <summary>True when it takes a JSON body.</summary>
    public static bool Json(HttpRequest request) =>
        request.Headers.Accept.Count == 0 || Names(request, "application/json") || Names(request, "application/*") || Names(request, "*/*");

    private static bool Names(HttpRequest request, string type)
    {
        foreach (var value in request.Headers.Accept)
        {
            if (value is not null && value.Contains(type, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }
}
