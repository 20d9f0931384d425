/// What a node must remember of itself: name, replica id, how often it was started, its cluster,
/// its part of the registers' Raft log, and where its peers were. LMDB file `node.mdb`; every write
/// is synced before it returns. Thread-safety: open() first; then one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "coterie/core/address.hpp"
#include "coterie/core/ids.hpp"
#include "coterie/replication/raft/effects.hpp"
#include "coterie/replication/register.hpp"
#include "coterie/storage/data_directory.hpp"

namespace coterie::storage {

struct StoredNode {
  std::string name{};
  std::uint64_t replica{};  ///< random, made with the directory
  StartId start{};          ///< of this life, already durable
  ClusterId cluster{};
  bool founder = false;                            ///< formed the cluster
  std::uint64_t cluster_types{};                   ///< of format 1, before Raft
  std::vector<replication::Register> registers{};  ///< of format 1, by shard; empty: not the host
  replication::raft::Stored raft{};
  std::vector<Address> peers{};
  std::uint64_t confirmed_life{};  ///< the start that the registers had for this directory, and
  std::uint64_t tried_life{};      ///< the one that was to follow it
  StartId journal{};               ///< the last start that the journal noted; 0: none
};

class NodeStore {
 public:
  /// Opens or creates, refuses another node's directory, counts one more start durably. `check` is
  /// asked before that, with this start in it: who is refused has started nothing, however often.
  using Check = std::function<Status(const StoredNode&)>;
  [[nodiscard]] static Result<NodeStore> open(const DataDirectory& directory,
                                              const std::string& name, const Check& check = {});
  NodeStore(NodeStore&&) noexcept;
  NodeStore& operator=(NodeStore&&) noexcept;
  ~NodeStore();

  [[nodiscard]] const StoredNode& stored() const;
  [[nodiscard]] Status save_identity(const ClusterId& cluster, bool founder);
  [[nodiscard]] Status save_life(std::uint64_t confirmed, std::uint64_t tried);
  [[nodiscard]] Status save_raft(const replication::raft::Persist& batch);
  /// The journal has noted this start: a copy of it that has not is older from now on.
  [[nodiscard]] Status save_journal();
  [[nodiscard]] Status save_peers(const std::vector<Address>& peers);

 private:
  struct Impl;
  explicit NodeStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace coterie::storage
