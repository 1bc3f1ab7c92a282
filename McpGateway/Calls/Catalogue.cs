using System.Collections.Immutable;
using System.Text.Json;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;
using McpGateway.Upstreams.Links;

namespace McpGateway.Calls;

/// <summary>One tool as its upstream describes it.</summary>
/// <param name="Name">Its name there.</param>
/// <param name="Json">The whole description, byte for byte.</param>
/// <param name="NameRange">Where the name stands in it, with quotes.</param>
internal sealed record ToolEntry(string Name, ReadOnlyMemory<byte> Json, ByteRange NameRange);

/// <summary>
/// The tools of one upstream as callers of one profile see them, as last seen. Lists are served from here without touching the upstream; the list is renewed in the
/// background when it is old or the upstream says that it changed, and the old one is served meanwhile.
/// </summary>
internal sealed class Catalogue(Upstream upstream, SessionProfile profile, TimeSpan ttl, TimeProvider time)
{
    private const int MaxPages = 100;

    private static readonly TimeSpan s_probeTimeout = TimeSpan.FromSeconds(5);

    private volatile Snapshot? _snapshot;
    private int _refreshing;

    /// <summary>The tools; null before the first handshake.</summary>
    public ImmutableArray<ToolEntry>? Tools => _snapshot?.Tools;

    public DateTimeOffset? FetchedAt => _snapshot?.FetchedAt;

    /// <summary>Raised when the tools have become others.</summary>
    public event Action? Changed;

    /// <summary>Reads all pages.</summary>
    /// <param name="link">A link on which nobody else has a call.</param>
    /// <param name="era">How the upstream speaks.</param>
    /// <param name="mayBeEmpty">True where the session cannot have been lost: it was just opened, or there is none. Elsewhere no tools where there were some are a loss, and the old list stays.</param>
    /// <param name="cancellationToken">Cancelled when it takes too long.</param>
    /// <exception cref="UpstreamException">The upstream does not answer its own list, or the session is lost.</exception>
    public async Task FillAsync(UpstreamLink link, McpEra era, bool mayBeEmpty, CancellationToken cancellationToken)
    {
        var tools = ImmutableArray.CreateBuilder<ToolEntry>();
        string? cursor = null;
        for (var page = 0; page < MaxPages; page++)
        {
            var member = cursor is null ? "" : $"\"cursor\":{JsonSerializer.Serialize(cursor)}";
            using var answer = await LinkCalls.CallAsync(link, McpMethodNames.ToolsList, LinkCalls.Parameters(era, member), cancellationToken);
            if (answer.Shape.Kind == MessageKind.Error) throw Refused(link, answer);
            cursor = ReadPage(answer.Shape.Result.Of(answer.Bytes), tools);
            if (cursor is null) break;
        }

        if (!mayBeEmpty && tools.Count == 0 && _snapshot is { Tools.Length: > 0 }) throw new UpstreamException(FailureKind.SessionLost, "The session is lost: it lists no tools any more.");
        Replace(tools.ToImmutable());
    }

    /// <summary>Whether the upstream says of a tool that calling it again changes nothing more. Only worth as much as the upstream's word.</summary>
    public bool IsRepeatable(string? tool)
    {
        if (_snapshot?.Tools.FirstOrDefault(entry => entry.Name == tool) is not { } found) return false;
        using var description = JsonDocument.Parse(found.Json, new JsonDocumentOptions { MaxDepth = 128 });
        return description.RootElement.TryGetProperty("annotations"u8, out var hints) && hints.ValueKind == JsonValueKind.Object
            && (IsTrue(hints, "readOnlyHint"u8) || IsTrue(hints, "idempotentHint"u8));
    }

    /// <summary>
    /// Asks on a session for its list, to see whether the session lives: a server that has lost it refuses, or lists nothing where
    /// there were tools. A ping would not do, since servers answer it without a session too.
    /// </summary>
    /// <returns>Why the session does not live; null when it does.</returns>
    public async Task<string?> ProbeAsync(UpstreamLink link, McpEra era, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(s_probeTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            using var answer = await LinkCalls.CallAsync(link, McpMethodNames.ToolsList, LinkCalls.Parameters(era), either.Token);
            if (answer.Shape.Kind == MessageKind.Error) return answer.Shape.ErrorCode == RpcErrorCode.MethodNotFound ? null : answer.ReadErrorText();
            var tools = ImmutableArray.CreateBuilder<ToolEntry>();
            ReadPage(answer.Shape.Result.Of(answer.Bytes), tools);
            return tools.Count == 0 && _snapshot is { Tools.Length: > 0 } ? "it lists no tools any more" : null;
        }
        catch (UpstreamException exception)
        {
            return exception.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"it did not answer within {s_probeTimeout.TotalSeconds:0} s";
        }
    }

    /// <summary>Waits until the tools are known: until a session of this profile is open, since each lists them before it is used.</summary>
    /// <exception cref="UpstreamException">There is none to be had.</exception>
    public async Task KnowAsync(CancellationToken cancellationToken)
    {
        if (_snapshot is null) await (await LeaseAsync(cancellationToken)).DisposeAsync();
    }

    /// <summary>Renews the list in the background if it is older than its time to live.</summary>
    public void RefreshIfStale()
    {
        if (_snapshot is { } snapshot && time.GetUtcNow() - snapshot.FetchedAt > ttl) Invalidate();
    }

    /// <summary>Renews the list in the background. Never waits; one renewal at a time.</summary>
    public void Invalidate()
    {
        if (Interlocked.Exchange(ref _refreshing, 1) != 0) return;
        using (ExecutionContext.SuppressFlow()) _ = Task.Run(RefreshAsync);
    }

    private ValueTask<SessionLease> LeaseAsync(CancellationToken cancellationToken) =>
        upstream.LeaseAsync(new SessionKey(SessionKey.Anonymous, null, IsOfGateway: true) { Profile = profile }, cancellationToken);

    private async Task RefreshAsync()
    {
        try
        {
            await using var lease = await LeaseAsync(CancellationToken.None);
            using var deadline = new CancellationTokenSource(upstream.Config.Pool.OpenTimeout, time);
            await FillOrBreakAsync(lease, deadline.Token);
        }
        catch (Exception exception) when (exception is UpstreamException or OperationCanceledException)
        {
            upstream.Timeline.Add("catalogue not renewed", exception.Message);
        }
        finally
        {
            Volatile.Write(ref _refreshing, 0);
        }
    }

    /// <summary>A lost session is replaced, and the next one, which is new, says what tools there are.</summary>
    private async Task FillOrBreakAsync(SessionLease lease, CancellationToken cancellationToken)
    {
        try
        {
            await FillAsync(lease.Session.Link, lease.Session.Server.Era, mayBeEmpty: !lease.Session.Link.KeepsSession, cancellationToken);
        }
        catch (UpstreamException exception) when (exception.Kind == FailureKind.SessionLost)
        {
            lease.Break(exception.Message);
            throw;
        }
    }

    /// <summary>A list runs no tool: whatever speaks of the session is no tool's.</summary>
    private static UpstreamException Refused(UpstreamLink link, UpstreamMessage answer)
    {
        var text = answer.ReadErrorText();
        var isLoss = FailureTable.Find(new FailureSign(link.Transport, link.KeepsSession, Code: answer.Shape.ErrorCode, Text: text)).Kind is not null;
        return new UpstreamException(isLoss ? FailureKind.SessionLost : FailureKind.NotMcp, $"The upstream refused tools/list: {text}");
    }

    private void Replace(ImmutableArray<ToolEntry> tools)
    {
        // Until now clients of this profile have seen what the others see.
        var before = _snapshot?.Tools ?? (profile == SessionProfile.Default ? null : upstream.CatalogueOf(SessionProfile.Default).Tools);
        _snapshot = new Snapshot(tools, time.GetUtcNow());
        if (before is not { } seen || !Same(seen, tools)) Changed?.Invoke();
    }

    private static bool Same(ImmutableArray<ToolEntry> left, ImmutableArray<ToolEntry> right) =>
        left.Length == right.Length && left.Zip(right).All(pair => pair.First.Json.Span.SequenceEqual(pair.Second.Json.Span));

    private static string? ReadPage(ReadOnlyMemory<byte> result, ImmutableArray<ToolEntry>.Builder tools)
    {
        string? cursor = null;
        var reader = new Utf8JsonReader(result.Span, new JsonReaderOptions { MaxDepth = 128 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("nextCursor"u8)) { reader.Read(); cursor = reader.TokenType == JsonTokenType.String ? reader.GetString() : null; }
            else if (reader.ValueTextEquals("tools"u8)) { reader.Read(); ReadTools(ref reader, result, tools); }
            else { reader.Read(); reader.Skip(); }
        }

        return string.IsNullOrEmpty(cursor) ? null : cursor;
    }

    private static void ReadTools(ref Utf8JsonReader reader, ReadOnlyMemory<byte> result, ImmutableArray<ToolEntry>.Builder tools)
    {
        if (reader.TokenType != JsonTokenType.StartArray) { reader.Skip(); return; }
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var start = (int)reader.TokenStartIndex;
            if (reader.TokenType != JsonTokenType.StartObject) { reader.Skip(); continue; }
            var (name, range) = ReadName(ref reader);
            // A copy: the answer's bytes go back to their pool.
            var json = result[start..(int)reader.BytesConsumed].ToArray();
            if (name is not null) tools.Add(new ToolEntry(name, json, new ByteRange(range.Start - start, range.End - start)));
        }
    }

    private static (string? Name, ByteRange Range) ReadName(ref Utf8JsonReader reader)
    {
        (string? Name, ByteRange Range) found = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isName = reader.ValueTextEquals("name"u8);
            reader.Read();
            if (isName && reader.TokenType == JsonTokenType.String) found = (reader.GetString(), new ByteRange((int)reader.TokenStartIndex, (int)reader.BytesConsumed));
            reader.Skip();
        }

        return found;
    }

    private static bool IsTrue(JsonElement hints, ReadOnlySpan<byte> name) => hints.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    private sealed record Snapshot(ImmutableArray<ToolEntry> Tools, DateTimeOffset FetchedAt);
}
