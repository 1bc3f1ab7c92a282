namespace RepositoryTools.Tests;
