internal import Messages

/// Registered adapters for reading.
enum AdapterText {
  static func table(_ adapters: [BatonV1.AdapterState], now: Int64) -> TextTable {
    var table = TextTable(
      ["ADAPTER", "INSTANCE", "STATE", "BUSY", "SEEN", "RESULTS", "ADDRESS", "FRAMEWORK", "TYPES"],
      rightAligned: [3, 4])
    for adapter in adapters {
      let seen = adapter.lastHeartbeatAtMs
      let color: Style.Color =
        switch adapter.health {
        case .alive: .green
        case .draining: .yellow
        case .lost, .unspecified, .unrecognized: .red
        }
      table.add([
        .init(adapter.adapter), .init(adapter.instance), .init(adapter.healthWord, color),
        .init("\(adapter.inFlight)/\(adapter.maxConcurrency)"),
        .init(seen > 0 ? "\(TimeText.duration(now - seen)) ago" : ""),
        .init(adapter.resultMode == .poll ? "poll" : "callback"), .init(adapter.address),
        .init("\(adapter.framework) \(adapter.frameworkVersion)"),
        .init(adapter.taskTypes.joined(separator: ", ")),
      ])
    }
    return table
  }
}
