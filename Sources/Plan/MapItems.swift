internal import JSON

/// A task's `map`, checked.
public struct CompiledMap: Sendable {
  public let over: Reference
  /// Instances under way at one time.
  public let maxParallel: Int32
}

/// The elements of a list that a task is run over, found in the list's bytes.
public struct MapItems: Sendable {
  private let bytes: [UInt8]
  private let ranges: [Range<Int>]

  public var count: Int { ranges.count }

  public subscript(index: Int32) -> MapItem {
    MapItem(index: index, json: Array(bytes[ranges[Int(index)]]))
  }

  /// Finds the list behind `path` in valid JSON. Throws why there is none.
  public init(
    in json: [UInt8], at map: CompiledMap
  ) throws(MapError) {
    guard let slice = JSONReader.find(map.over.path, in: json) else {
      throw MapError(
        code: "REFERENCE_MISSING",
        message: "${{ \(map.over.text) }} leads to nothing: the field is not there")
    }
    let bytes = Array(slice)
    let found: [Range<Int>]? = bytes.withUnsafeBytes { buffer in
      var reader = JSONReader(buffer)
      guard reader.next == UInt8(ascii: "[") else { return nil }
      var ranges: [Range<Int>] = []
      do throws(JSONError) {
        try reader.eachElement { reader throws(JSONError) in ranges.append(try reader.skipValue()) }
      } catch { return nil }
      return ranges
    }
    guard let found else { throw Self.notAList(map, bytes) }
    self.bytes = bytes
    ranges = found
  }

  /// Whatever stands where a list is needed, as `null` for a task that did not succeed.
  public static func notAList(_ map: CompiledMap, _ bytes: [UInt8]) -> MapError {
    let kind = (try? JSONValue(parsing: bytes))?.kindName ?? "no JSON"
    return MapError(
      code: "MAP_NOT_A_LIST", message: "map needs a list; ${{ \(map.over.text) }} is \(kind)")
  }

  /// The outputs of a task's instances in order, as its own output; null where there is none.
  public static func join(_ outputs: [[UInt8]?]) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginArray()
    for output in outputs { writer.raw(output ?? Array("null".utf8)) }
    writer.endArray()
    return writer.bytes
  }

  /// How many bytes `join` makes of outputs of these sizes.
  public static func joinedBytes(_ sizes: [Int64?]) -> Int64 {
    sizes.reduce(Int64(2 + max(0, sizes.count - 1))) { $0 + ($1 ?? 4) }
  }
}

/// Why a task cannot be run over anything.
public struct MapError: Error, Sendable, Equatable {
  /// Stable and machine-readable.
  public var code: String
  /// For people.
  public var message: String
}
