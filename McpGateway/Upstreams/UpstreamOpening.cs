using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Sessions.Ledger;
using McpGateway.Upstreams.Links;

namespace McpGateway.Upstreams;

/// <summary>A link after its handshake.</summary>
internal sealed record OpenedLink(UpstreamLink Link, ServerProfile Server, UpstreamTransport Transport);

/// <summary>
/// Makes a link to one upstream and runs its handshake. When nothing is remembered it finds out transport and era: it asks in
/// the modern way first, and every manner of "no" leads to <c>initialize</c>, then to the SSE transport of 2024-11-05.
/// </summary>
internal sealed class UpstreamOpening(UpstreamConfig config, GatewayOptions options, HttpMessageInvoker http, TimeProvider time, ILogger logger)
{
    /// <summary>A server may swallow what it does not know; a modern one answers this long before.</summary>
    private static readonly TimeSpan s_discoverTimeout = TimeSpan.FromSeconds(5);

    /// <exception cref="UpstreamException">It does not open.</exception>
    public async Task<OpenedLink> OpenAsync(EraMemory? remembered, SessionProfile profile, CancellationToken cancellationToken)
    {
        if (remembered is not null) return await OpenAsAsync(remembered.Transport, remembered.Era, profile, cancellationToken);
        return config.Transport switch
        {
            UpstreamTransport.Stdio => await DetectStdioAsync(profile, cancellationToken),
            UpstreamTransport.Sse => await OpenAsAsync(UpstreamTransport.Sse, McpEra.Legacy, profile, cancellationToken),
            _ => await DetectHttpAsync(profile, cancellationToken),
        };
    }

    /// <summary>Goes on with a session of an earlier link. Nothing is sent: whether it still lives is for the caller to find out.</summary>
    public OpenedLink Resume(SessionRecord record)
    {
        var link = new HttpLink(http, config, options.MessageLimit, time, logger) { SessionId = record.Secret.SessionId, IdsAfter = record.Entry.Epoch << 32 };
        link.Version = record.Secret.Server.Version;
        return new OpenedLink(link, record.Secret.Server, UpstreamTransport.Http);
    }

    private async Task<OpenedLink> OpenAsAsync(UpstreamTransport transport, McpEra era, SessionProfile profile, CancellationToken cancellationToken)
    {
        var link = await LinkAsync(transport, cancellationToken);
        return await OrDisposeAsync(link, async () =>
        {
            var server = era == McpEra.Legacy
                ? await Handshake.InitializeAsync(link, profile, cancellationToken)
                : await Handshake.DiscoverAsync(link, cancellationToken) ?? throw NotModern(link);
            return new OpenedLink(link, server, transport);
        });
    }

    /// <summary>A server of the legacy kind may leave over the question, but so may any that was killed: only one that stays has changed.</summary>
    private static Exception NotModern(UpstreamLink link) => link.BrokenReason is { } reason
        ? new UpstreamException(FailureKind.Unreachable, reason)
        : new EraChangedException("it does not answer server/discover any more");

    private async Task<OpenedLink> DetectStdioAsync(SessionProfile profile, CancellationToken cancellationToken)
    {
        var link = await LinkAsync(UpstreamTransport.Stdio, cancellationToken);
        var opened = await OrDisposeAsync(link, async () =>
        {
            if (await DiscoverOrSilenceAsync(link, cancellationToken) is { } modern) return new OpenedLink(link, modern, UpstreamTransport.Stdio);
            return link.BrokenReason is null ? new OpenedLink(link, await Handshake.InitializeAsync(link, profile, cancellationToken), UpstreamTransport.Stdio) : null;
        });
        if (opened is not null) return opened;

        // It left over the question. Ask the next process the old way.
        await link.DisposeAsync();
        return await OpenAsAsync(UpstreamTransport.Stdio, McpEra.Legacy, profile, cancellationToken);
    }

    private async Task<OpenedLink> DetectHttpAsync(SessionProfile profile, CancellationToken cancellationToken)
    {
        var probe = await LinkAsync(UpstreamTransport.Http, cancellationToken);
        if (await OrDisposeAsync(probe, () => DiscoverOrSilenceAsync(probe, cancellationToken)) is { } modern) return new OpenedLink(probe, modern, UpstreamTransport.Http);
        await probe.DisposeAsync();
        try
        {
            return await OpenAsAsync(UpstreamTransport.Http, McpEra.Legacy, profile, cancellationToken);
        }
        catch (UpstreamException exception) when (config.Transport == UpstreamTransport.Auto && exception.Kind == FailureKind.NotMcp)
        {
            // The specification's own fallback: what refuses a POST of initialize may be an SSE stream.
            return await OpenSseOrExplainAsync(exception, profile, cancellationToken);
        }
    }

    private async Task<OpenedLink> OpenSseOrExplainAsync(UpstreamException refused, SessionProfile profile, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenAsAsync(UpstreamTransport.Sse, McpEra.Legacy, profile, cancellationToken);
        }
        catch (UpstreamException exception) when (exception.Kind == FailureKind.NotMcp)
        {
            throw new UpstreamException(FailureKind.NotMcp, $"{config.Target} speaks no MCP transport. As Streamable HTTP: {refused.Message} As SSE: {exception.Message} Check the path of \"url\".", exception);
        }
    }

    private async Task<ServerProfile?> DiscoverOrSilenceAsync(UpstreamLink link, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(s_discoverTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            return await Handshake.DiscoverAsync(link, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        catch (UpstreamException exception) when (exception.Kind == FailureKind.OutcomeUnknown)
        {
            // It hung up over the question. If there is more to it, initialize will tell.
            return null;
        }
    }

    private async Task<UpstreamLink> LinkAsync(UpstreamTransport transport, CancellationToken cancellationToken) => transport switch
    {
        UpstreamTransport.Stdio => await StdioLink.StartAsync(config, options.MessageLimit, time, logger),
        UpstreamTransport.Sse => await SseLink.OpenAsync(http, config, options.MessageLimit, time, logger, cancellationToken),
        _ => new HttpLink(http, config, options.MessageLimit, time, logger),
    };

    private static async Task<T> OrDisposeAsync<T>(UpstreamLink link, Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch
        {
            await link.DisposeAsync();
            throw;
        }
    }
}

/// <summary>What was remembered of an upstream is not so any more.</summary>
internal sealed class EraChangedException(string message) : Exception(message);
