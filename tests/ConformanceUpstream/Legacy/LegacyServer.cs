using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using ConformanceUpstream.Calls;
using ConformanceUpstream.Offered;
using ConformanceUpstream.Protocol;

namespace ConformanceUpstream.Legacy;

/// <summary>A server of the revisions with <c>initialize</c> and sessions.</summary>
internal sealed class LegacyServer
{
    private readonly ConcurrentDictionary<string, LegacySession> _sessions = new();

    public LegacySession Open()
    {
        var session = new LegacySession(Guid.NewGuid().ToString("N"));
        _sessions[session.Id] = session;
        return session;
    }

    public LegacySession? Find(string? id) => id is null ? null : _sessions.GetValueOrDefault(id);

    public bool End(LegacySession session)
    {
        if (!_sessions.TryRemove(session.Id, out _)) return false;
        session.End();
        session.Dispose();
        return true;
    }

    /// <summary>Takes a notification, or the client's answer to a request of the server.</summary>
    public static void Take(LegacySession session, RpcMessage message)
    {
        if (message.Method is null) session.TakeAnswer(message);
        else if (message.Method == "notifications/cancelled") session.Cancel(message.Params["requestId"]);
    }

    /// <summary>Answers a request.</summary>
    /// <param name="session">Whose request it is.</param>
    /// <param name="message">The request.</param>
    /// <param name="stream">Where notifications and requests of the server go that belong to it.</param>
    /// <returns>The answer; null when the client took the request back, which is not answered.</returns>
    public async Task<JsonObject?> AnswerAsync(LegacySession session, RpcMessage message, EventLog stream)
    {
        var cancelled = session.Running(message).Token;
        try
        {
            return Rpc.Result(message.Id, await ResultAsync(session, message, stream, cancelled));
        }
        catch (RpcException error)
        {
            return error.Answer(message.Id);
        }
        catch (OperationCanceledException) when (cancelled.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            session.Finished(message);
        }
    }

    private async Task<JsonObject> ResultAsync(LegacySession session, RpcMessage message, EventLog stream, CancellationToken cancelled)
    {
        if (session.Version is null && message.Method is not ("initialize" or "ping" or "server/discover")) throw new RpcException(RpcCode.InvalidRequest, "The first request must be initialize.");
        var call = new LegacyCall(session, stream) { Message = message, Cancelled = cancelled, Announce = Announce };
        return message.Method switch
        {
            "initialize" => Initialize(session, message),
            "ping" => [],
            "tools/list" => Tools.List(),
            "tools/call" => await Tools.CallAsync(call),
            "prompts/list" => Prompts.List(),
            "prompts/get" => await Prompts.GetAsync(call),
            "resources/list" => Resources.List(),
            "resources/templates/list" => Resources.ListTemplates(),
            "resources/read" => Resources.Read(message, RpcCode.ResourceNotFound),
            "resources/subscribe" => Subscribe(session, message, wanted: true),
            "resources/unsubscribe" => Subscribe(session, message, wanted: false),
            "completion/complete" => Completions.Complete(message),
            "logging/setLevel" => SetLevel(session, message),
            _ => throw new RpcException(RpcCode.MethodNotFound, $"Method not found: {message.Method}"),
        };
    }

    private static JsonObject Initialize(LegacySession session, RpcMessage message)
    {
        if (session.Version is not null) throw new RpcException(RpcCode.InvalidRequest, "The session is initialized already.");
        session.Begin(Revision.Negotiate(RpcMessage.TextOf(message.Params["protocolVersion"])), message.Params["capabilities"] as JsonObject ?? []);
        return new JsonObject
        {
            ["protocolVersion"] = session.Version,
            ["capabilities"] = Identity.Capabilities(),
            ["serverInfo"] = Identity.Server(),
            ["instructions"] = Identity.Instructions,
        };
    }

    private static JsonObject Subscribe(LegacySession session, RpcMessage message, bool wanted)
    {
        var uri = RpcMessage.TextOf(message.Params["uri"]) ?? throw new RpcException(RpcCode.InvalidParams, "params.uri is missing.");
        if (wanted) session.Subscriptions[uri] = true;
        else session.Subscriptions.TryRemove(uri, out _);
        return [];
    }

    private static JsonObject SetLevel(LegacySession session, RpcMessage message)
    {
        var level = RpcMessage.TextOf(message.Params["level"]);
        session.LogLevel = Severity.IsKnown(level) ? level! : throw new RpcException(RpcCode.InvalidParams, $"params.level is '{level}': give a level of RFC 5424.");
        return [];
    }

    private void Announce(Change change)
    {
        foreach (var session in _sessions.Values)
        {
            if (change.Uri is null) session.Outside.Append(Rpc.Notification(change.Method));
            else if (session.Subscriptions.ContainsKey(change.Uri)) session.Outside.Append(Rpc.Notification(change.Method, new JsonObject { ["uri"] = change.Uri }));
        }
    }
}
