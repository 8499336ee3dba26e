//! What a look costs: everything is asked for once.

use std::collections::BTreeMap;

use mlops_e2e::ground::Ground;

use crate::SERVICE;

#[test]
fn a_plan_asks_nothing_twice() {
    for ground in Ground::both("a_plan_asks_nothing_twice") {
        ground.configure(SERVICE);
        ground.settle();
        let before = ground.sandbox().journal().len();
        ground.plan().expect(0);
        let journal = ground.sandbox().journal();
        let mut asked: BTreeMap<(String, &Option<String>), usize> = BTreeMap::new();
        for entry in &journal[before..] {
            *asked.entry((entry.name(), &entry.resource)).or_default() += 1;
        }
        assert!(asked.len() > 40, "{:?} was looked at: {asked:?}", ground.on);
        // Of these the sandbox notes what they stand in: a cluster has two pools, a bucket up to two folders.
        let pairs = [
            "eks:DescribeNodegroup",
            "storage:storage.managedFolders.getIamPolicy",
        ];
        let wanted = |operation: &str| if pairs.contains(&operation) { 2 } else { 1 };
        let twice: Vec<_> = asked
            .iter()
            .filter(|((operation, _), times)| **times > wanted(operation))
            .collect();
        assert!(twice.is_empty(), "{:?}: {twice:#?}", ground.on);
    }
}
