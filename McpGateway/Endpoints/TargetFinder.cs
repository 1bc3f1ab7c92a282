using McpGateway.Calls;
using McpGateway.Calls.Lists;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;

namespace McpGateway.Endpoints;

/// <summary>
/// Says which upstream a request is for, by what it names, and refuses what its caller may not use. What a caller may not use is refused in the
/// words for what there is not.
/// </summary>
internal sealed class TargetFinder(UpstreamRegistry upstreams, GatewayOptions options)
{
    public async ValueTask<CallTarget> FindAsync(ClientRequest request, CancellationToken cancellationToken) => request.Shape.Method switch
    {
        McpMethod.ToolsCall => await FindNamedAsync(request, ListKind.Tools, request.Shape.Name, "params.name", cancellationToken),
        McpMethod.PromptsGet => await FindNamedAsync(request, ListKind.Prompts, request.Shape.Name, "params.name", cancellationToken),
        McpMethod.ResourcesRead or McpMethod.ResourcesSubscribe or McpMethod.ResourcesUnsubscribe => FindOwner(request, request.Shape.Uri, "params.uri"),
        McpMethod.Complete when !request.Shape.RefName.IsEmpty => await FindNamedAsync(request, ListKind.Prompts, request.Shape.RefName, "params.ref.name", cancellationToken),
        McpMethod.Complete => FindOwner(request, request.Shape.RefUri, "params.ref.uri"),
        _ when request.Scope is { } scope => new CallTarget(scope),
        _ => new RpcError(RpcErrorCode.MethodNotFound, $"There is no method {JsonText.Read(request.Shape.MethodName.Of(request.Message.Span))} on the aggregate; use /mcp/{{upstream}}."),
    };

    private async ValueTask<CallTarget> FindNamedAsync(ClientRequest request, ListKind kind, ByteRange at, string member, CancellationToken cancellationToken)
    {
        var name = JsonText.Read(at.Of(request.Message.Span));
        if (request.Scope is { } scope)
        {
            // What is no name at all is the upstream's to refuse.
            return name is null || options.Callers.Of(scope, request.Key.Principal).Allows(kind, name) ? new CallTarget(scope) : Unknown(kind, name);
        }

        if (name is null) return new RpcError(RpcErrorCode.InvalidParams, $"{member} must be the name of a {kind.Noun}.");
        var target = AggregateName.IsShort(name) ? await FindShortAsync(request, kind, name, cancellationToken) : FindPlain(name);
        if (target.Error is not null) return target;
        return target.Upstream is { } upstream && options.Callers.Of(upstream, request.Key.Principal).Allows(kind, target.Name!) ? target : UnknownHere(request, kind, name);
    }

    private CallTarget FindPlain(string name) => AggregateName.Split(name) is { } parts ? new CallTarget(upstreams.Find(parts.Upstream), parts.Name) : default;

    /// <summary>Only the upstreams whose name it begins with can have made it.</summary>
    private async ValueTask<CallTarget> FindShortAsync(ClientRequest request, ListKind kind, string name, CancellationToken cancellationToken)
    {
        foreach (var upstream in upstreams.InOrder.Where(upstream => name.StartsWith(upstream.Name + AggregateName.Separator, StringComparison.Ordinal)))
        {
            try
            {
                await upstream.KnowAsync(request.Key.Profile, kind, cancellationToken);
            }
            catch (UpstreamException exception)
            {
                return CallErrors.Explain(upstream.Name, exception);
            }

            if (upstream.ListedFor(request.Key.Profile, kind)[kind]?.FindShort(name) is { } entry) return new CallTarget(upstream, entry.Name);
        }

        return default;
    }

    private CallTarget FindOwner(ClientRequest request, ByteRange at, string member)
    {
        var uri = JsonText.Read(at.Of(request.Message.Span));
        if (request.Scope is { } scope)
        {
            return uri is null || options.Callers.Of(scope, request.Key.Principal).Allows(ListKind.Resources, uri) ? new CallTarget(scope) : NotFound(request, uri, $"Unknown resource: {uri}.");
        }

        if (uri is null) return new RpcError(RpcErrorCode.InvalidParams, $"{member} must be the URI of a resource.");
        return FindOwner(request, uri) is { } owner ? new CallTarget(owner) : NoOwner(request, uri);
    }

    /// <summary>First who lists it as a resource or a template, then who has a template for it; of several the first in the configured order.</summary>
    private Upstream? FindOwner(ClientRequest request, string uri)
    {
        Upstream? byTemplate = null;
        Upstream? owner = null;
        foreach (var upstream in upstreams.InOrder)
        {
            if (!options.Callers.Of(upstream, request.Key.Principal).Allows(ListKind.Resources, uri)) continue;
            var resources = upstream.ListedFor(request.Key.Profile, ListKind.Resources)[ListKind.Resources];
            var templates = upstream.ListedFor(request.Key.Profile, ListKind.Templates)[ListKind.Templates];
            if (resources?.Find(uri) is not null || templates?.Find(uri) is not null)
            {
                if (owner is null) owner = upstream;
                else upstream.Shadowed.Note(ListKind.Resources, uri, owner.Name);
            }
            else if (byTemplate is null && owner is null && templates?.FindMatch(uri) is not null)
            {
                byTemplate = upstream;
            }
        }

        return owner ?? byTemplate;
    }

    private CallTarget NoOwner(ClientRequest request, string uri)
    {
        Upstream[] unlisted = [.. Visible(request).Where(upstream => (upstream.Server is not { } server || server.Has(ListKind.Resources.Capability)) && upstream.ListedFor(request.Key.Profile, ListKind.Resources)[ListKind.Resources] is null)];
        if (unlisted.Length == 0) return NotFound(request, uri, $"Unknown resource: {uri}. No upstream lists it or has a template for it; what an upstream does not list can be read at /mcp/{{upstream}}.");
        return new RpcError(RpcErrorCode.UpstreamUnavailable, $"Nobody known now has the resource {uri}; the resources of {string.Join(", ", unlisted.Select(static upstream => upstream.Name))} are not known yet.", TimeSpan.FromSeconds(1));
    }

    /// <summary>Until 2026-07-28 a resource that is not there had a code of its own (SEP-2164).</summary>
    private static CallTarget NotFound(ClientRequest request, string uri, string text) =>
        new RpcError(request.Era == McpEra.Modern ? RpcErrorCode.InvalidParams : RpcErrorCode.ResourceNotFound, text) { Uri = uri };

    private static CallTarget Unknown(ListKind kind, string name) => new RpcError(RpcErrorCode.InvalidParams, $"Unknown {kind.Noun}: {name}.");

    private CallTarget UnknownHere(ClientRequest request, ListKind kind, string name) => new RpcError(
        RpcErrorCode.InvalidParams,
        $"Unknown {kind.Noun}: {name}. {char.ToUpperInvariant(kind.Noun[0])}{kind.Noun[1..]}s here are named upstream__{kind.Noun}; upstreams are {string.Join(", ", Visible(request).Select(static upstream => upstream.Name))}.");

    private IEnumerable<Upstream> Visible(ClientRequest request) => upstreams.InOrder.Where(upstream => !options.Callers.Of(upstream, request.Key.Principal).IsClosed);
}

/// <summary>Where a request goes, or why it goes nowhere.</summary>
/// <param name="Upstream">The upstream; null when there is an error.</param>
/// <param name="Name">The name there of what it is for, if it differs from the one in the message.</param>
internal readonly record struct CallTarget(Upstream? Upstream, string? Name = null)
{
    public RpcError? Error { get; init; }

    public static implicit operator CallTarget(RpcError error) => new(null) { Error = error };
}
