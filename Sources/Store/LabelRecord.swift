internal import JSON

/// A plan's labels as durable stores keep them: a JSON object of strings.
public enum LabelRecord {
  public static func encode(_ labels: [String: String]) -> [UInt8] {
    JSONValue.object(
      labels.sorted { $0.key < $1.key }.map { JSONMember($0.key, .string($0.value)) }
    ).bytes
  }

  public static func decode(_ json: [UInt8]) throws(StoreError) -> [String: String] {
    guard case .object(let members)? = try? JSONValue(parsing: json) else {
      throw StoreError(.corrupt, "stored labels are no JSON object")
    }
    var labels: [String: String] = [:]
    for member in members {
      guard case .string(let text) = member.value else {
        throw StoreError(.corrupt, "a stored label is \(member.value.kindName), not a string")
      }
      labels[member.key] = text
    }
    return labels
  }
}
