using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace Agents.Api.Console;

/// <summary>Text that goes into HTML, as content or as a quoted attribute.</summary>
internal static class HtmlText
{
    // The page is UTF-8: letters of any language stay as they are.
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    public static string Of(string text) => Encoder.Encode(text);
}
