using System.Runtime.CompilerServices;
using Xunit;

namespace Testing;

/// <summary>Waits for something another process or thread brings about: looks again and again until a deadline, and says what it saw last.</summary>
public static class Eventually
{
    /// <summary>How long is waited where a test does not say otherwise: long enough for a loaded machine, as success does not wait for it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Looks until what is seen is as wanted, and returns it. A look that throws counts as not yet.</summary>
    /// <exception cref="TimeoutException">It never was; the message names the condition and what was seen last.</exception>
    public static async Task<T> SeesAsync<T>(
        Func<Task<T>> look,
        Func<T, bool> wanted,
        TimeSpan? within = null,
        [CallerArgumentExpression(nameof(wanted))] string condition = "")
    {
        ArgumentNullException.ThrowIfNull(look);
        ArgumentNullException.ThrowIfNull(wanted);
        var clock = TimeProvider.System;
        var patience = within ?? Patience;
        var start = clock.GetTimestamp();
        string last;
        Exception? failure = null;
        do
        {
            try
            {
                var seen = await look();
                if (wanted(seen)) return seen;
                (last, failure) = ($"{seen}", null);
            }
            catch (Exception error) when (error is not OperationCanceledException || !TestContext.Current.CancellationToken.IsCancellationRequested)
            {
                (last, failure) = ($"{error.GetType().Name}: {error.Message}", error);
            }

            await Task.Delay(Pause, clock, TestContext.Current.CancellationToken);
        }
        while (clock.GetElapsedTime(start) < patience);

        throw new TimeoutException($"Waited {patience.TotalSeconds:0.#} s for: {condition}\nSeen last: {last}", failure);
    }

    /// <inheritdoc cref="SeesAsync{T}(Func{Task{T}}, Func{T, bool}, TimeSpan?, string)"/>
    public static Task<T> SeesAsync<T>(
        Func<T> look,
        Func<T, bool> wanted,
        TimeSpan? within = null,
        [CallerArgumentExpression(nameof(wanted))] string condition = "") =>
        SeesAsync(() => Task.FromResult(look()), wanted, within, condition);

    /// <summary>Waits until a condition holds.</summary>
    /// <exception cref="TimeoutException">It never did.</exception>
    public static Task HoldsAsync(
        Func<bool> condition,
        TimeSpan? within = null,
        [CallerArgumentExpression(nameof(condition))] string text = "") =>
        SeesAsync(condition, holds => holds, within, text);

    /// <summary>Waits until an assertion passes; the last failure is the inner exception.</summary>
    /// <exception cref="TimeoutException">It never did.</exception>
    public static Task PassesAsync(Func<Task> assertion, TimeSpan? within = null) =>
        SeesAsync(
            async () =>
            {
                await assertion();
                return true;
            },
            passed => passed,
            within,
            "the assertion passes");
}
