@testable import Messages

/// Values with every field set, and the same in protobuf's text format.
enum Samples {
  static let kinds = BatonKindsV1.Kinds(
    doubleValue: -1.5e300, floatValue: 0.25, int32Value: .min, int64Value: .min,
    uint32Value: .max, uint64Value: .max, sint32Value: .min, sint64Value: .min,
    fixed32Value: .max, fixed64Value: .max, sfixed32Value: .min, sfixed64Value: .min,
    boolValue: true, stringValue: "grün 東京 🚂 \u{1}\u{10FFFF}", bytesValue: [0, 255, 0, 128],
    color: .deepBlue, part: .init(shape: .belowZero, name: "p"))

  static let kindsText = """
    double_value: -1.5e300 float_value: 0.25
    int32_value: -2147483648 int64_value: -9223372036854775808
    uint32_value: 4294967295 uint64_value: 18446744073709551615
    sint32_value: -2147483648 sint64_value: -9223372036854775808
    fixed32_value: 4294967295 fixed64_value: 18446744073709551615
    sfixed32_value: -2147483648 sfixed64_value: -9223372036854775808
    bool_value: true string_value: "grün 東京 🚂 \\001\\364\\217\\277\\277"
    bytes_value: "\\000\\377\\000\\200" color: COLOR_DEEP_BLUE
    part { shape: SHAPE_BELOW_ZERO name: "p" }
    """

  static let lists = BatonKindsV1.Lists(
    doubles: [0, 1.5, -2], floats: [0, 0.5], int32s: [0, -1, .max], int64s: [-1, 0, .max],
    uint32s: [0, .max], uint64s: [.max, 0], sint32s: [-1, 1, .min], sint64s: [.min, -1],
    fixed32s: [1, 0], fixed64s: [0, 2], sfixed32s: [-1, 0], sfixed64s: [0, -1],
    bools: [true, false, true], strings: ["", "a", "ü"], byteStrings: [[], [0], [1, 2]],
    colors: [.unspecified, .deepBlue, .red], parts: [.init(), .init(shape: .round, name: "q")],
    unpacked: [1, 0, -1])

  static let listsText = """
    doubles: [0, 1.5, -2] floats: [0, 0.5] int32s: [0, -1, 2147483647]
    int64s: [-1, 0, 9223372036854775807] uint32s: [0, 4294967295]
    uint64s: [18446744073709551615, 0] sint32s: [-1, 1, -2147483648]
    sint64s: [-9223372036854775808, -1] fixed32s: [1, 0] fixed64s: [0, 2] sfixed32s: [-1, 0]
    sfixed64s: [0, -1] bools: [true, false, true] strings: ["", "a", "ü"]
    byte_strings: ["", "\\000", "\\001\\002"]
    colors: [COLOR_UNSPECIFIED, COLOR_DEEP_BLUE, COLOR_RED]
    parts: [{}, {shape: SHAPE_ROUND name: "q"}] unpacked: [1, 0, -1]
    """

  static let maps = BatonKindsV1.Maps(
    byString: ["b": "2", "a": "1", "ü": "3", "B": "4"], byInt32: [-1: -2, 5: 6, 3: .max],
    byInt64: [-1: 0.5, .max: 1], byUint32: [1: [0], .max: [1, 2]],
    byUint64: [1: .red, 2: .deepBlue], bySint32: [-5: .init(shape: .round, name: "r")],
    bySint64: [-5: true, 7: true], byFixed32: [1: 0.5, 2: 1.5], byFixed64: [1: 1, 9: 2],
    bySfixed32: [-1: 1, 1: 2], bySfixed64: [-1: -1, 1: 1], byBool: [true: "t"])

  static let mapsText = """
    by_string: [{key: "b" value: "2"}, {key: "a" value: "1"}, {key: "ü" value: "3"},
      {key: "B" value: "4"}]
    by_int32: [{key: -1 value: -2}, {key: 5 value: 6}, {key: 3 value: 9223372036854775807}]
    by_int64: [{key: -1 value: 0.5}, {key: 9223372036854775807 value: 1}]
    by_uint32: [{key: 1 value: "\\000"}, {key: 4294967295 value: "\\001\\002"}]
    by_uint64: [{key: 1 value: COLOR_RED}, {key: 2 value: COLOR_DEEP_BLUE}]
    by_sint32: {key: -5 value: {shape: SHAPE_ROUND name: "r"}}
    by_sint64: [{key: -5 value: true}, {key: 7 value: true}]
    by_fixed32: [{key: 1 value: 0.5}, {key: 2 value: 1.5}]
    by_fixed64: [{key: 1 value: 1}, {key: 9 value: 2}]
    by_sfixed32: [{key: -1 value: 1}, {key: 1 value: 2}]
    by_sfixed64: [{key: -1 value: -1}, {key: 1 value: 1}]
    by_bool: {key: true value: "t"}
    """

  typealias Choice = BatonKindsV1.Choice

  /// Every case of the oneof, with values and with defaults, which are sent too.
  static let choices: [(Choice.Value, String)] = [
    (.doubleValue(-0.5), "double_value: -0.5"), (.doubleValue(0), "double_value: 0"),
    (.floatValue(1.5), "float_value: 1.5"), (.int32Value(-1), "int32_value: -1"),
    (.int32Value(0), "int32_value: 0"), (.int64Value(.min), "int64_value: -9223372036854775808"),
    (.uint32Value(7), "uint32_value: 7"), (.uint64Value(.max), "uint64_value: 0xffffffffffffffff"),
    (.sint32Value(-3), "sint32_value: -3"), (.boolValue(true), "bool_value: true"),
    (.boolValue(false), "bool_value: false"), (.stringValue("ü"), "string_value: \"ü\""),
    (.stringValue(""), "string_value: \"\""), (.bytesValue([0, 1]), "bytes_value: \"\\000\\001\""),
    (.bytesValue([]), "bytes_value: \"\""), (.color(.red), "color: COLOR_RED"),
    (.color(.unspecified), "color: COLOR_UNSPECIFIED"),
    (.part(.init(shape: .round, name: "n")), "part { shape: SHAPE_ROUND name: \"n\" }"),
    (.part(.init()), "part {}"), (.empty(.init()), "empty {}"),
  ]

  static let words = BatonKindsV1.Words(
    namespace: "n", class: "c", default: 1, in: ["i", "j"], switch: true, case: .none,
    return: ["k": "v"], for: .let("l"), arena: 2, c: 3, try: "t")

  static let wordsText = """
    namespace: "n" class: "c" default: 1 in: ["i", "j"] switch: true case: CASE_NONE
    return: {key: "k" value: "v"} let: "l" arena: 2 c: 3 try: "t"
    """

  static let jumbled = BatonKindsV1.Jumbled(
    last: "l", later: [-1, .max], value: .third("t"), second: [2])

  static let jumbledText = #"last: "l" later: [-1, 9223372036854775807] third: "t" second: "\002""#

  /// About 20 KB: a plan as callers send it.
  static func plan(taskCount: Int) -> BatonV1.Plan {
    var plan = BatonV1.Plan(
      name: "briefing", owner: "research", labels: ["team": "red", "stage": "test"],
      metadata: ["ticket": "4711"], inputsJson: Array(#"{"topic":"tea"}"#.utf8),
      retry: .init(maxAttempts: 4, initialDelay: .initialDelayMs(500), multiplier: 2),
      timeouts: .init(startToCloseMs: 120_000), maxParallel: 4)
    for index in 0..<taskCount {
      let payload =
        #"{"role":"Researcher","goal":"Find facts on ${{ inputs.topic }}","instructions":"#
        + #""List three facts about ${{ inputs.topic }}, each with its source and the year in "#
        + #"which it was found, and say how sure you are.","expected_output":"three lines"}"#
      plan.tasks.append(
        BatonV1.Task(
          id: "task-\(index)", type: "agent", payloadJson: Array(payload.utf8),
          dependsOn: index == 0 ? [] : ["task-\(index - 1)", "task-\(index / 2)"],
          adapter: "crewai",
          retry: .init(
            maxAttempts: 3, initialDelay: .initialDelayMs(1000), multiplier: 2,
            maxDelayMs: 60_000, jitterValue: .jitter(0.2)),
          timeouts: .init(scheduleToStartMs: 3_600_000, startToCloseMs: 600_000),
          priority: Int32(index), onFailure: .fail,
          metadata: ["owner": "research", "cost-centre": "12-\(index)"]))
    }
    return plan
  }
}
