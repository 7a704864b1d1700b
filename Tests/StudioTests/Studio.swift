import Testing

/// The suites that start servers: one test at a time, so that none takes the processors from another.
@Suite(.serialized) enum Studio {}
