using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace RepositoryTools.Serving;

/// <summary>The JSON of all answers: snake_case, absent when null. Generated, so that the start needs no reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(JsonNode))]
[JsonSerializable(typeof(RepositoryInfo))]
[JsonSerializable(typeof(CodeMatches))]
[JsonSerializable(typeof(DuplicateList))]
[JsonSerializable(typeof(FileSlice))]
[JsonSerializable(typeof(PassageList))]
[JsonSerializable(typeof(RelationshipList))]
[JsonSerializable(typeof(UntestedList))]
[JsonSerializable(typeof(FileList))]
[JsonSerializable(typeof(EntityList))]
internal sealed partial class AnswerJson : JsonSerializerContext;
