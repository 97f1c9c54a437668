/// Version of this kit.
public enum AdapterVersion {
  public static let current = "0.1.0"
}
