namespace Agents.Runs;

/// <summary>One thing wrong with one field of a request.</summary>
/// <param name="Field">The field as the client spells it, such as <c>budget.max_depth</c>.</param>
/// <param name="Message">What is wrong, with the value, and what would be right.</param>
public sealed record FieldError(string Field, string Message);
