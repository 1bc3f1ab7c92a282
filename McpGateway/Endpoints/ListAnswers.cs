using System.Runtime.InteropServices;
using System.Text;
using McpGateway.Calls.Lists;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;

namespace McpGateway.Endpoints;

/// <summary>
/// Answers the four lists from what is known, without touching an upstream: what the caller may see, in pages. The aggregate says which
/// upstreams are missing and why.
/// </summary>
internal sealed class ListAnswers(UpstreamRegistry upstreams, GatewayOptions options)
{
    /// <summary>Writes the answer.</summary>
    /// <returns>Nothing when it is written; else why not.</returns>
    /// <exception cref="UpstreamException">The endpoint's one upstream is down and nothing is known of it.</exception>
    public async Task<ListOutcome> WriteAsync(MessageBuffer output, ClientRequest request, ListKind kind, CancellationToken cancellationToken)
    {
        if (request.Scope is { } scope)
        {
            await scope.KnowAsync(request.Key.Profile, kind, cancellationToken);
            if (kind != ListKind.Tools && scope.ListedFor(request.Key.Profile, kind)[kind] is null) return OfUpstream(request, scope, kind);
        }

        var list = Gather(request, kind);
        var from = 0;
        long? fingerprint = null;
        if (!request.Shape.Cursor.IsEmpty)
        {
            fingerprint = ListCursor.FingerprintOf(kind, Names(request, list));
            if (JsonText.Read(request.Shape.Cursor.Of(request.Message.Span)) is not { } text || ListCursor.Parse(text) is not { } cursor || cursor.Fingerprint != fingerprint || cursor.Position <= 0 || cursor.Position >= list.Entries.Count)
                return new ListOutcome(Error: new RpcError(RpcErrorCode.InvalidParams, $"params.cursor is of no list there is now: the {kind.Noun}s have changed, or it was never given here. Start again without it."));
            from = cursor.Position;
        }

        var to = Math.Min(list.Entries.Count, from + options.PageSize);
        var next = to < list.Entries.Count ? new ListCursor(to, fingerprint ?? ListCursor.FingerprintOf(kind, Names(request, list))) : (ListCursor?)null;
        Write(output, request, kind, list, from..to, next);
        return default;
    }

    /// <summary>An upstream that the gateway cannot list answers for itself; but not where something must be left out of it.</summary>
    private ListOutcome OfUpstream(ClientRequest request, Upstream scope, ListKind kind)
    {
        scope.ListedFor(request.Key.Profile, kind).RefreshIfStale(kind);
        return options.Callers.Of(scope, request.Key.Principal).Concerns(kind)
            ? new ListOutcome(Error: new RpcError(RpcErrorCode.UpstreamUnavailable, $"The {kind.Noun}s of '{scope.Name}' cannot be listed now.", TimeSpan.FromSeconds(5), scope.Name))
            : new ListOutcome(IsOfUpstream: true);
    }

    private GatheredList Gather(ClientRequest request, ListKind kind)
    {
        var list = new GatheredList();
        var owners = new Dictionary<string, Upstream>(StringComparer.Ordinal);
        foreach (var upstream in request.Scope is { } scope ? [scope] : upstreams.InOrder)
        {
            var access = options.Callers.Of(upstream, request.Key.Principal);
            if (access.IsClosed) continue;
            var catalogue = upstream.ListedFor(request.Key.Profile, kind);
            catalogue.RefreshIfStale(kind);
            if (catalogue[kind] is not { } known)
            {
                if (upstream.Server is not { } server || server.Has(kind.Capability)) list.Missing.Add(upstream);
                continue;
            }

            if (catalogue.RemainingOf(known) is var remaining && remaining < list.Remaining) list.Remaining = remaining;
            foreach (var entry in known.Entries)
            {
                if (!access.Allows(kind, entry.Name)) continue;
                // On the aggregate a name stands for one thing; an upstream's own list is left as it is.
                if (request.Scope is null && !owners.TryAdd(entry.AggregateName, upstream)) upstream.Shadowed.Note(kind, entry.AggregateName, owners[entry.AggregateName].Name);
                else list.Entries.Add(entry);
            }
        }

        return list;
    }

    private static IEnumerable<string> Names(ClientRequest request, GatheredList list) => list.Entries.Select(entry => request.Scope is null ? entry.AggregateName : entry.Name);

    private void Write(MessageBuffer output, ClientRequest request, ListKind kind, GatheredList list, Range page, ListCursor? next)
    {
        Span<byte> member = Encoding.ASCII.GetBytes(kind.Member);
        output.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        output.Write(request.Id.Span);
        output.Write(",\"result\":{\""u8);
        output.Write(member);
        output.Write("\":["u8);
        var first = true;
        foreach (var entry in CollectionsMarshal.AsSpan(list.Entries)[page])
        {
            if (!first) output.Write(","u8);
            first = false;
            WriteEntry(output, entry, isNamed: request.Scope is null && kind.IsNamed);
        }

        output.Write("]"u8);
        if (next is { } cursor) output.Write(Encoding.ASCII.GetBytes($",\"nextCursor\":\"{cursor}\""));
        if (request.Era == McpEra.Modern) WriteHints(output, list);
        if (list.Missing.Count > 0) output.Write(Encoding.UTF8.GetBytes($",\"_meta\":{{\"{MissingUpstreams.Member}\":{MissingUpstreams.Describe(list.Missing).ToJsonString()}}}"));
        output.Write("}}"u8);
    }

    /// <summary>What belongs to one caller is nobody else's; and what is incomplete is soon another.</summary>
    private void WriteHints(MessageBuffer output, GatheredList list)
    {
        var remaining = list.Missing.Count > 0 ? TimeSpan.Zero : list.Remaining < options.CatalogueTtl ? list.Remaining : options.CatalogueTtl;
        output.Write(Encoding.ASCII.GetBytes($",\"resultType\":\"complete\",\"ttlMs\":{(long)remaining.TotalMilliseconds},\"cacheScope\":\"private\""));
    }

    private static void WriteEntry(MessageBuffer output, ListEntry entry, bool isNamed)
    {
        var splice = new Splice(entry.Json.Span);
        if (isNamed) splice.Replace(entry.NameRange, JsonText.Write(entry.AggregateName));
        splice.WriteTo(output);
    }

    /// <summary>What a caller may see of a list.</summary>
    private sealed class GatheredList
    {
        public List<ListEntry> Entries { get; } = [];

        public List<Upstream> Missing { get; } = [];

        /// <summary>How long the oldest part is good.</summary>
        public TimeSpan Remaining { get; set; } = TimeSpan.MaxValue;
    }
}

/// <summary>What became of a request for a list, if it was not answered.</summary>
/// <param name="IsOfUpstream">The upstream is to be asked.</param>
/// <param name="Error">It is refused.</param>
internal readonly record struct ListOutcome(bool IsOfUpstream = false, RpcError? Error = null);
