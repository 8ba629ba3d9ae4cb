package sqlscan

var mysqlFunctions = map[fn]string{
	pure: `adddate addtime aes_decrypt aes_encrypt ascii atan2 bin bin_to_uuid bit_and bit_count bit_length bit_or
		bit_xor char_length character_length charset collation coercibility compress concat concat_ws conv convert
		convert_tz cot crc32 crc32c any_value date date_add date_format date_sub datediff day dayname dayofmonth
		dayofweek dayofyear elt export_set extract extractvalue field find_in_set format format_bytes
		format_pico_time from_base64 from_days from_unixtime get_format greatest group_concat grouping hex hour
		if ifnull inet6_aton inet6_ntoa inet_aton inet_ntoa insert instr interval is_ipv4 is_ipv4_compat
		is_ipv4_mapped is_ipv6 is_uuid isnull last_day lcase least left length ln locate log2 lpad ltrim
		make_set makedate maketime match md5 mid microsecond minute mod month monthname nth_value oct
		octet_length ord password old_password period_add period_diff position pow quarter quote regexp_instr
		regexp_like regexp_replace regexp_substr repeat reverse right rpad rtrim sec_to_time second sha sha1 sha2
		soundex space std stddev stddev_pop stddev_samp str_to_date strcmp subdate substr substring_index subtime
		time time_format time_to_sec timediff timestamp timestampadd timestampdiff to_base64 to_char to_days
		to_seconds trim truncate ucase uncompress uncompressed_length unhex updatexml uuid_to_bin values value
		var_pop var_samp variance week weekday weekofyear weight_string year yearweek median percentile_cont
		percentile_disc chr nvl nvl2 decode decode_oracle natural_sort_key sformat add_months
		json_array json_array_append json_array_insert json_arrayagg json_compact json_contains
		json_contains_path json_depth json_detailed json_equals json_exists json_extract json_insert json_keys
		json_length json_loose json_merge json_merge_patch json_merge_preserve json_normalize json_object
		json_objectagg json_overlaps json_pretty json_query json_quote json_remove json_replace json_schema_valid
		json_search json_set json_storage_size json_type json_unquote json_valid json_value member of
		st_area st_asbinary st_asgeojson st_astext st_aswkb st_aswkt st_buffer st_centroid st_contains
		st_convexhull st_crosses st_difference st_dimension st_disjoint st_distance st_distance_sphere
		st_endpoint st_envelope st_equals st_exteriorring st_geohash st_geomfromgeojson st_geomfromtext
		st_geomfromwkb st_geometrytype st_intersection st_intersects st_isclosed st_isempty st_isvalid
		st_latfromgeohash st_latitude st_length st_longfromgeohash st_longitude st_numpoints st_overlaps
		st_pointfromgeohash st_pointfromtext st_pointn st_simplify st_srid st_startpoint st_symdifference
		st_touches st_transform st_union st_within st_x st_y point linestring polygon multipoint
		mbrcontains mbrwithin mbrintersects mbrequals
		binary varbinary dec signed unsigned datetime float double`,
	pure1:  `unix_timestamp`,
	tables: `json_table`,
	harmless: `benchmark connection_id curdate current_date current_role current_time current_timestamp current_user
		curtime database default found_rows get_lock icu_version is_free_lock is_used_lock last_insert_id
		lastval nextval load_file localtime localtimestamp master_pos_wait name_const now ps_current_thread_id
		ps_thread_id rand random_bytes release_all_locks release_lock roles_graphml row_count rownum schema
		session_user setval sleep statement_digest sys_guid sysdate system_user user utc_date utc_time
		utc_timestamp uuid uuid_short uuid_v4 uuid_v7 version wait_for_executed_gtid_set`,
}
