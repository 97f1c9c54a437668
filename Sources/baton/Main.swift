internal import BatonCLI

@main
struct Main {
  static func main() async { await BatonTool.main() }
}
