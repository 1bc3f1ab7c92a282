global using Shouldly;
global using Testing;
global using Xunit;
global using RepositoryRoot = Testing.RepositoryRoot;
