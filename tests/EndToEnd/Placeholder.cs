namespace EndToEnd;
