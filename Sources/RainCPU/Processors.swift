#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension CPUEngine {
    /// Processors this process may use.
    public static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}
