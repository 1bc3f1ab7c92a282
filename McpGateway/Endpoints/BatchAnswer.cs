using McpGateway.Calls;
using McpGateway.Protocol;

namespace McpGateway.Endpoints;

/// <summary>
/// The answers to a batch (2025-03-26), whose requests run side by side: one JSON array when nothing comes before them, else one
/// message each on the stream that what came before has opened.
/// </summary>
internal sealed class BatchAnswer(SessionAnswer outer) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private readonly SessionAnswer _outer = outer;
    private readonly List<byte[]> _answers = [];

    /// <summary>Where one request of the batch writes to.</summary>
    /// <param name="operation">The measurement of that request.</param>
    public AnswerWriter Part(ServerOperation? operation) => new Member(this, operation);

    /// <summary>Writes the answers, once all requests are over.</summary>
    public async Task FinishAsync()
    {
        if (_answers.Count == 0) return;
        using var message = new MessageBuffer(_answers.Sum(static answer => answer.Length + 1) + 1);
        if (_outer.HasStarted)
        {
            foreach (var answer in _answers.SkipLast(1))
            {
                message.Clear();
                message.Write(answer);
                await _outer.NotifyAsync(message);
            }

            message.Clear();
            message.Write(_answers[^1]);
        }
        else
        {
            foreach (var answer in _answers)
            {
                message.Write(message.Length == 0 ? "["u8 : ","u8);
                message.Write(answer);
            }

            message.Write("]"u8);
        }

        await _outer.AnswerAsync(message);
    }

    public void Dispose() => _turn.Dispose();

    private async Task InTurnAsync(Func<Task> write)
    {
        await _turn.WaitAsync();
        try
        {
            await write();
        }
        finally
        {
            _turn.Release();
        }
    }

    private sealed class Member(BatchAnswer batch, ServerOperation? operation) : AnswerWriter(operation)
    {
        private bool _hasStarted;

        public override bool HasStarted => _hasStarted;

        protected override Task WriteAnswerAsync(MessageBuffer message, int errorCode)
        {
            _hasStarted = true;
            var answer = message.Span.ToArray();
            return batch.InTurnAsync(() =>
            {
                batch._answers.Add(answer);
                return Task.CompletedTask;
            });
        }

        public override Task NotifyAsync(MessageBuffer message)
        {
            _hasStarted = true;
            return batch.InTurnAsync(() => batch._outer.NotifyAsync(message));
        }

        public override Task KeepAliveAsync() => batch.InTurnAsync(batch._outer.KeepAliveAsync);
    }
}
