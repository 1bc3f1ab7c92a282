namespace Agents.Worker.Models;

/// <summary>What a model costs: an entry of <c>Models:Prices</c>. Both prices must be known, or none is.</summary>
internal sealed class ModelPrice
{
    private const decimal Million = 1_000_000;

    /// <summary>The model, as <see cref="ModelOptions.Model"/> names it.</summary>
    public string? Model { get; set; }

    /// <summary>US dollars per million tokens sent. 0 – 10 000.</summary>
    public decimal? Input { get; set; }

    /// <summary>US dollars per million tokens written. 0 – 10 000.</summary>
    public decimal? Output { get; set; }

    /// <summary>US dollars; null when the tokens are not known.</summary>
    public decimal? Of(long? inputTokens, long? outputTokens) =>
        Input == 0 && Output == 0 ? 0 : ((inputTokens * Input) + (outputTokens * Output)) / Million;
}
