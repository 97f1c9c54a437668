internal import HeapModule

/// Ready tasks by what they can be handed to, so that tasks whose adapter is full or absent hold
/// up nobody else.
struct ReadyLanes: Sendable {
  private struct Entry: Comparable, Sendable {
    var rank: Int
    var ordinal: Int

    static func < (left: Entry, right: Entry) -> Bool { left.rank < right.rank }
  }

  private struct Lane: Sendable {
    var type: String
    var adapter: String?
    var heap = Heap<Entry>()
  }

  private var lanes: [Lane] = []

  /// Tasks that left the ready state some other way stay in until they come up; `isReady` sorts
  /// them out.
  mutating func insert(ordinal: Int, rank: Int, type: String, adapter: String?) {
    let index =
      lanes.firstIndex { $0.type == type && $0.adapter == adapter }
      ?? {
        lanes.append(Lane(type: type, adapter: adapter))
        return lanes.count - 1
      }()
    lanes[index].heap.insert(Entry(rank: rank, ordinal: ordinal))
  }

  /// Hands tasks to `take`, best rank first, until it has declined one of every lane.
  mutating func drain(
    isReady: (Int) -> Bool, take: (_ ordinal: Int, _ type: String, _ adapter: String?) -> Bool
  ) {
    var open = Set(lanes.indices)
    while !open.isEmpty {
      var best: (lane: Int, entry: Entry)?
      for index in lanes.indices where open.contains(index) {
        while let entry = lanes[index].heap.min, !isReady(entry.ordinal) {
          lanes[index].heap.removeMin()
        }
        guard let entry = lanes[index].heap.min else {
          open.remove(index)
          continue
        }
        if best.map({ entry < $0.entry }) ?? true { best = (index, entry) }
      }
      guard let (lane, entry) = best else { return }
      if take(entry.ordinal, lanes[lane].type, lanes[lane].adapter) {
        lanes[lane].heap.removeMin()
      } else {
        open.remove(lane)
      }
    }
  }

  /// Whether anything may be ready.
  var isEmpty: Bool { lanes.allSatisfy { $0.heap.isEmpty } }
}
