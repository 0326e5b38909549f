//! Where what was unquoted stands in the text.

use super::*;

#[test]
fn the_root_is_where_it_is() {
    let view = View::whole("secret");
    assert_eq!(view.text(), "secret");
    assert_eq!(view.root(1..3), Some(1..3));
    assert_eq!(view.root(0..6), Some(0..6));
    assert_eq!(view.root(2..2), None, "nothing has no place");
    assert_eq!(view.root(0..7), None, "behind the end");
}

#[test]
fn a_part_knows_where_it_begins() {
    let view = View::whole("my secret");
    let part = view.part(3..9).unwrap();
    assert_eq!((part.text(), part.root(1..3)), ("secret", Some(4..6)));
    assert_eq!(part.part(2..4).unwrap().root(0..2), Some(5..7));
    assert!(view.part(3..10).is_none());
}

#[test]
fn what_was_unquoted_stands_where_it_was_written() {
    let root = View::whole(r"..a\nb");
    let view = root.unquoted("a\nb".to_owned(), vec![(2, 3), (3, 5), (5, 6)]).unwrap();
    assert_eq!(view.root(1..2), Some(3..5), "an escape is taken as a whole");
    assert_eq!(view.root(0..3), Some(2..6));
    let part = view.part(1..3).unwrap();
    assert_eq!((part.text(), part.root(1..2)), ("\nb", Some(5..6)));
    // Unquoted twice.
    let inner = view.unquoted("X".to_owned(), vec![(0, 2)]).unwrap();
    assert_eq!(inner.root(0..1), Some(2..5));
    assert!(root.unquoted("ab".to_owned(), vec![(0, 1)]).is_none(), "a place for each byte");
    assert!(root.unquoted("a".to_owned(), vec![(6, 7)]).is_none(), "a place outside of it");
}
