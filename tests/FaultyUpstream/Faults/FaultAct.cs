namespace FaultyUpstream.Faults;

/// <summary>What goes over the wire for a fault.</summary>
internal abstract record FaultAct
{
    /// <summary>An HTTP status to the POST, with a body that is not tied to the request's id.</summary>
    /// <param name="Code">The status.</param>
    /// <param name="ContentType">Null for no body.</param>
    /// <param name="Body">The body.</param>
    public sealed record Status(int Code, string? ContentType = null, string Body = "") : FaultAct
    {
        /// <summary>A status with a JSON-RPC error whose id is null, as servers send before they look at the message.</summary>
        public static Status Rpc(int status, int code, string message) =>
            new(status, "application/json", JsonRpc.Rpc.Error(null, code, message).ToJsonString());
    }

    /// <summary>A JSON-RPC error as the answer to the request; over Streamable HTTP with status 200.</summary>
    /// <param name="Code">The JSON-RPC code.</param>
    /// <param name="Message">The message.</param>
    /// <param name="InStream">Over Streamable HTTP as an event of a stream.</param>
    public sealed record Error(int Code, string Message, bool InStream = false) : FaultAct;

    /// <summary>A success that holds nothing: an empty list, or <c>{}</c>.</summary>
    public sealed record Empty : FaultAct;

    /// <summary>Nothing, for as long as the client waits.</summary>
    /// <param name="OfPost">On HTTP+SSE: even the POST gets no 202.</param>
    public sealed record Silence(bool OfPost = false) : FaultAct;

    /// <summary>Half of the answer, then the end of the stream, the body or the process.</summary>
    public sealed record Fragment(bool InStream) : FaultAct;

    /// <summary>An event id and <c>retry</c>, then the end of the stream; the answer waits for a GET.</summary>
    public sealed record Resumable : FaultAct;

    /// <summary>A reset connection, or the end of the process.</summary>
    public sealed record Death : FaultAct;

    /// <summary>Nothing wrong, after the delay.</summary>
    public sealed record Late : FaultAct;

    /// <summary>The transport has no such thing.</summary>
    public sealed record Absent(string Reason) : FaultAct;
}
