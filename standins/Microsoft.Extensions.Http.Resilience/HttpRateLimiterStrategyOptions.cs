using System.ComponentModel.DataAnnotations;
using System.Threading.RateLimiting;
using Polly;

namespace Microsoft.Extensions.Http.Resilience
{
    /// <summary>At most 1000 requests at a time, none waiting.</summary>
    public class HttpRateLimiterStrategyOptions : ResilienceStrategyOptions
    {
        [Required]
        public ConcurrencyLimiterOptions DefaultRateLimiterOptions { get; set; } = new()
        {
            PermitLimit = 1000,
            QueueLimit = 0,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        };
    }

    internal sealed class RateLimiterStrategy(ConcurrencyLimiterOptions options) : ResilienceStrategy<HttpResponseMessage>, IDisposable
    {
        private readonly ConcurrencyLimiter _limiter = new(options);

        public void Dispose() => _limiter.Dispose();

        protected override async ValueTask<Outcome<HttpResponseMessage>> ExecuteCore<TState>(
            Func<ResilienceContext, TState, ValueTask<Outcome<HttpResponseMessage>>> callback,
            ResilienceContext context,
            TState state)
        {
            using var permit = await _limiter.AcquireAsync(1, context.CancellationToken).ConfigureAwait(context.ContinueOnCapturedContext);
            return permit.IsAcquired
                ? await callback(context, state).ConfigureAwait(context.ContinueOnCapturedContext)
                : Outcome.FromException<HttpResponseMessage>(new Polly.RateLimiting.RateLimiterRejectedException());
        }
    }
}

namespace Polly.RateLimiting
{
    /// <summary>Too many requests at a time: this one was not tried.</summary>
    public sealed class RateLimiterRejectedException()
        : ExecutionRejectedException("The operation could not be executed because it was rejected by the rate limiter.");
}
