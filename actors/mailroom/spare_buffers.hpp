// Memory of batches, used again by the thread that emptied the last one. A batch is filled by one actor and emptied by
// another soon after, often on another thread: an allocator passes such blocks from thread to thread at a price, and what
// it gives is cold, while a buffer just emptied is still in this core's cache.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace mailroom {

// Of one element type, for the calling thread.
template <class T>
class SpareBuffers {
 public:
  static constexpr std::size_t most_buffers = 16, most_bytes = 256 << 10;  // each; larger ones are freed

  // An empty buffer with room for `capacity` elements at least.
  static std::vector<T> take(std::size_t capacity) {
    std::vector<T> buffer;
    if (!ended && !mine().empty()) {
      buffer = std::move(mine().back());
      mine().pop_back();
    }
    buffer.reserve(capacity);
    return buffer;
  }
  static void give(std::vector<T>&& buffer) noexcept {
    buffer.clear();
    const auto bytes = buffer.capacity() * sizeof(T);
    if (ended || bytes == 0 || bytes > most_bytes || mine().size() >= most_buffers) return;
    mine().push_back(std::move(buffer));
  }

 private:
  struct Mine {
    std::vector<std::vector<T>> buffers;
    Mine() { buffers.reserve(most_buffers); }
    ~Mine() { ended = true; }
  };
  static inline thread_local bool ended = false;  // outlives the buffers: batches may be destroyed after them
  static std::vector<std::vector<T>>& mine() {
    thread_local Mine found;
    return found.buffers;
  }
};

}  // namespace mailroom
