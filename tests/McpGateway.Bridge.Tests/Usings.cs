global using Shouldly;
global using Testing;
global using Xunit;
