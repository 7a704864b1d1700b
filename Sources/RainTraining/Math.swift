#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

func cosine(_ x: Double) -> Double { cos(x) }
